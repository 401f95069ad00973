"""How a table's day stands against what is wanted of it, and the commit that brings both in line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import FILE_COLUMN, ParquetTables
from image_assets.steps.backing import Backing
from image_assets.steps.checkpoints import checkpoints_of
from image_assets.steps.recipe import Recipe, version_of
from image_assets.tables.rejections import rejections_of
from image_assets.tables.table import Table

IDENTITY = ["item", "input_version"]
_COMMIT_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Target:
    """A table to bring up to date.

    Attributes:
        table: where rows go; rejections go to its companion.
        recipe: decides, with the schema, whether a row is current.
        key: the column, of inputs and of the table, that names an input.
        backing: the objects that its rows name; None for rows that stand for themselves.
    """

    table: Table
    recipe: Recipe
    key: str = "image_id"
    backing: Backing | None = None

    @property
    def recipe_version(self) -> str:
        """The recipe's version and the table's shape in one: rows of another shape are stale."""
        return version_of(self.recipe.version, self.table.fingerprint)


@dataclass(frozen=True, slots=True)
class Side:
    """What is stored of a table's day and what of it is current; `item`, `input_version` and file per row."""

    table: Table
    key: str
    is_committed: bool
    stored: pl.DataFrame
    current: pl.DataFrame
    files: tuple[ObjectKey, ...]
    checkpoints: tuple[ObjectKey, ...]

    @property
    def is_settled(self) -> bool:
        """Whether the committed file holds exactly the current rows."""
        return self.is_committed and not self.checkpoints and self.current.height == self.stored.height


@dataclass(frozen=True, slots=True)
class Standing:
    """How one target stands; `missing` has the identity of every input without a current row or rejection."""

    target: Target
    rows: Side
    rejections: Side
    missing: pl.DataFrame

    @property
    def is_settled(self) -> bool:
        """Whether the committed tables are exactly what is wanted."""
        return self.rows.is_settled and self.rejections.is_settled and self.missing.is_empty()


def take_stock(tables: ParquetTables, target: Target, day: date, inputs: pl.DataFrame) -> Standing:
    """Compare what is stored of a target's day, committed or left by an interrupted run, with the inputs."""
    wanted = inputs.select(pl.col(target.key).alias("item"), "input_version")
    rows = _side(tables, target.table, target.key, day, target.recipe_version, wanted, target.backing)
    # After two runs at once an item may have both: the row wins.
    undecided = wanted.join(rows.current, on=IDENTITY, how="anti")
    rejections = _side(tables, rejections_of(target.table), "item", day, target.recipe_version, undecided)
    missing = undecided.join(rejections.current, on=IDENTITY, how="anti")
    return Standing(target, rows, rejections, missing)


def _side(
    tables: ParquetTables,
    table: Table,
    key: str,
    day: date,
    recipe_version: str,
    wanted: pl.DataFrame,
    backing: Backing | None = None,
) -> Side:
    is_committed, checkpoints = tables.exists(table, day), checkpoints_of(tables, table, day)
    files = (object_keys.table_key(table.name, day), *checkpoints) if is_committed else checkpoints
    stored = _identities(tables, files, key, backing.columns if backing else [])
    current = stored.filter(pl.col("recipe_version") == recipe_version).join(wanted, on=IDENTITY, how="semi")
    current = backing.backed(tables.store, current) if backing and files else current
    return Side(table, key, is_committed, stored, current, files, checkpoints)


def _identities(tables: ParquetTables, files: Sequence[ObjectKey], key: str, others: Sequence[str]) -> pl.DataFrame:
    if not files:
        return pl.DataFrame(schema=dict.fromkeys([*IDENTITY, "recipe_version", FILE_COLUMN], pl.String))
    return tables.scan_files(files, [key, "input_version", "recipe_version", *others]).rename({key: "item"})


def commit(tables: ParquetTables, standing: Standing, day: date) -> None:
    """Replace rejections, then rows; a reader in between sees the rows of before. Rows of a former recipe are kept.

    Raises:
        ObjectNotFoundError: another run of this day committed these chunks first.
    """
    if standing.missing.height:
        return
    if former := _former_recipe(tables, standing, day):
        tables.keep_former(standing.target.table.name, day, former)
    for side in (standing.rejections, standing.rows):
        if not side.is_settled:
            key = object_keys.table_key(side.table.name, day)
            tables.write_file(key, side.table, day, _parts(tables, side, standing.target))
    for checkpoint in standing.rejections.checkpoints + standing.rows.checkpoints:
        tables.store.delete(checkpoint)


def _former_recipe(tables: ParquetTables, standing: Standing, day: date) -> str | None:
    """The recipe that made the rows of before; None when it is the wanted one or there are none."""
    file = tables.store.uri(object_keys.table_key(standing.target.table.name, day))
    is_former = (pl.col(FILE_COLUMN) == file) & (pl.col("recipe_version") != standing.target.recipe_version)
    return next(iter(standing.rows.stored.filter(is_former).get_column("recipe_version").to_list()), None)


def _parts(tables: ParquetTables, side: Side, target: Target) -> Iterator[pl.DataFrame]:
    """The current rows in the order of their primary key, a bounded number at a time."""
    used = set(side.current.get_column(FILE_COLUMN).to_list())
    committed = [key for key in side.files if tables.store.uri(key) in used]
    order = side.table.primary_key[0]
    if not committed:
        yield side.table.schema.create_empty()
        return
    names = tables.scan_files(committed, [order]).get_column(order).unique().sort()
    identity = [pl.col(side.key), pl.col("input_version")]
    for bounds in _ranges(names):
        where = (pl.col("recipe_version") == target.recipe_version) & pl.col(order).is_between(
            pl.lit(bounds[0]), pl.lit(bounds[1])
        )
        rows = tables.scan_files(committed, where=where)
        rows = rows.join(side.current, left_on=identity, right_on=IDENTITY, how="semi")
        rows = rows.select(side.table.schema.column_names())
        yield rows.sort(order, "processed_at").unique(side.table.primary_key, keep="last", maintain_order=True)


def _ranges(ordered: pl.Series) -> Iterator[tuple[str, str]]:
    for start in range(0, len(ordered), _COMMIT_ROWS):
        yield ordered[start], ordered[min(start + _COMMIT_ROWS, len(ordered)) - 1]
