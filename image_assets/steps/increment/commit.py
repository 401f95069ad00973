"""The commit that brings a day in line with what is wanted of it.

It replaces the files that lay there before its inputs were read, or nothing: of two runs of a day at once the slower
one finds that it is out of date, and looks again. What it had listed earlier never replaces what is known since.
"""

from collections.abc import Iterator, Sequence
from datetime import date

import polars as pl

from image_assets.ids import ObjectKey
from image_assets.lake.parquet_tables import FILE_COLUMN, ParquetTables
from image_assets.steps.increment.basis import Basis
from image_assets.steps.increment.stock import IDENTITY, Part, Stock

_COMMIT_ROWS = 50_000


def commit(tables: ParquetTables, stock: Stock, day: date, basis: Basis) -> None:
    """Replace rejections, then rows; a reader in between sees the rows of before. Rows of a former recipe are kept.

    Chunks that another run has written since belong to its own commit and stay.

    Args:
        tables: the lake's tables.
        stock: held against the basis; nothing is missing.
        day: the partition.
        basis: what may be replaced.

    Raises:
        ObjectNotFoundError: another run of this day committed these chunks first.
        ObjectChangedError: another run of this day committed meanwhile; look again.
    """
    if former := _former_recipe(tables, stock):
        tables.keep_former(stock.target.table.name, day, former)
    for part in (stock.rejections, stock.rows):
        if not part.is_written(tables.store.uri(part.committed)):
            there = basis.versions[part.table.name]
            tables.write_file(part.committed, part.table, day, _current_rows(tables, part), over=there)
    for chunk in stock.rejections.checkpoints + stock.rows.checkpoints:
        tables.store.delete(chunk)


def _former_recipe(tables: ParquetTables, stock: Stock) -> str | None:
    """The recipe that made the rows of before; None when it is the wanted one or there are none."""
    file = tables.store.uri(stock.rows.committed)
    is_former = (pl.col(FILE_COLUMN) == file) & (pl.col("recipe_version") != stock.target.recipe_version)
    return next(iter(stock.rows.stored.filter(is_former).get_column("recipe_version").to_list()), None)


def _current_rows(tables: ParquetTables, part: Part) -> Iterator[pl.DataFrame]:
    """In the order of their primary key, a bounded number at a time."""
    used = set(part.current.get_column(FILE_COLUMN).to_list())
    files, order = [key for key in part.files if tables.store.uri(key) in used], part.table.primary_key[0]
    if not files and part.made.is_empty():
        yield part.made
        return
    stored = [tables.scan_files(files, [order]).get_column(order)] if files else []
    for bounds in _ranges(pl.concat([*stored, part.made.get_column(order)]).unique().sort()):
        is_in_range = pl.col(order).is_between(pl.lit(bounds[0]), pl.lit(bounds[1]))
        kept = [_kept_rows(tables, part, files, is_in_range)] if files else []
        rows = pl.concat([*kept, part.made.filter(is_in_range)])
        yield rows.sort(order, "processed_at").unique(part.table.primary_key, keep="last", maintain_order=True)


def _kept_rows(tables: ParquetTables, part: Part, files: Sequence[ObjectKey], where: pl.Expr) -> pl.DataFrame:
    rows = tables.scan_files(files, where=pl.col("recipe_version").is_in(part.recipes) & where)
    identity = [pl.col(part.key), pl.col("input_version"), pl.col("recipe_version")]
    rows = rows.join(part.current, left_on=identity, right_on=[*IDENTITY, "recipe_version"], how="semi")
    return rows.select(part.table.schema.column_names())


def _ranges(ordered: pl.Series) -> Iterator[tuple[str, str]]:
    for start in range(0, len(ordered), _COMMIT_ROWS):
        yield ordered[start], ordered[min(start + _COMMIT_ROWS, len(ordered)) - 1]
