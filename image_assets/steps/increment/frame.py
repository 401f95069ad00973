"""Steps whose rows are one frame, such as a join: no items and no chunks; what a kill costs is this frame."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

import polars as pl

from image_assets.errors import TableError
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.increment.basis import Basis
from image_assets.steps.increment.commit import commit
from image_assets.steps.increment.increment import IncrementReport, settle
from image_assets.steps.increment.pace import Progress, untold
from image_assets.steps.increment.stock import Stock, Target
from image_assets.tables.columns import GIVEN


def settle_frame(
    tables: ParquetTables,
    target: Target,
    day: date,
    inputs: Callable[[], pl.DataFrame],
    made: Callable[[pl.DataFrame], pl.DataFrame] = lambda missing: missing,
    *,
    on_progress: Progress = untold,
) -> IncrementReport:
    """Bring the day's rows of a table in line with the inputs; rows that are current stay as they are.

    Args:
        tables: the lake's tables.
        target: the table.
        day: the partition.
        inputs: reads one row per input: the target's key, `input_version`, and what `made` needs; asked again when
            another run of the day has committed meanwhile.
        made: makes of the inputs that lack a row one row each: the table's columns, in any order, without day, versions
            and time; by default these stand in the inputs.
        on_progress: told the rows made and the rows to make.

    Raises:
        TableError: rows break their schema, or an input got no row or two; nothing is committed.
        StoreUnavailableError: other runs of the day committed first, however often it was tried.
    """

    def work(stocks: Sequence[Stock], wanted: pl.DataFrame, bases: Sequence[Basis]) -> list[Stock]:
        (stock,), (basis,) = stocks, bases
        missing = wanted.join(stock.missing, left_on=target.key, right_on="item", how="semi", maintain_order="left")
        if missing.height:
            on_progress(0, missing.height)
            stock = stock.with_made(_rows(target, day, missing, made(missing)))
            on_progress(missing.height, missing.height)
        commit(tables, stock, day, basis)
        return [stock]

    return settle(tables, [target], day, inputs, work)[0]


def _rows(target: Target, day: date, inputs: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    """A whole row per input."""
    table, key = target.table, target.key
    types = {name: column.dtype for name, column in table.schema.columns().items()}
    misfits = [name for name, dtype in types.items() if name not in GIVEN and made.schema.get(name) != dtype]
    if misfits:
        told = f"rows made of {table.name} for {day} lack or mistype {', '.join(misfits)}: a bug"
        raise TableError(told, table=table.name, day=day)
    given = {"day": day, "recipe_version": target.recipe_version, "processed_at": datetime.now(UTC)}
    named = inputs.select(key, "input_version", **{name: pl.lit(value) for name, value in given.items()})
    rows = made.drop(GIVEN, strict=False).join(named, on=key).select(table.schema.column_names())
    if not made.height == rows[key].n_unique() == inputs.height:
        told = f"{inputs.height} inputs of {table.name} got {made.height} rows on {day}, not one each: a bug"
        raise TableError(told, table=table.name, day=day)
    return rows
