"""How a table's day stands against what is wanted of it, and the commit that brings both in line.

A commit replaces the files that lay there before its inputs were read, or nothing: of two runs of a day at once the
slower one finds that it is out of date, and looks again. What it had listed earlier never replaces what is known since.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from image_assets.errors import ObjectChangedError, RejectionReason
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import FILE_COLUMN, ParquetTables
from image_assets.steps.increment.backing import Backing
from image_assets.steps.increment.checkpoints import checkpoints_of
from image_assets.steps.increment.recipe import Recipe, version_of
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

    @property
    def first_crash_version(self) -> str:
        """What a rejection has instead after the first crash over an image; see `Standing.rejection_version`."""
        return version_of(self.recipe_version, RejectionReason.WORKER_CRASHED.value)


@dataclass(frozen=True, slots=True)
class Basis:
    """What lay there of a target's day before the inputs were read.

    Attributes:
        versions: of the committed files of rows and rejections, by table name; None where there was no file.
        checkpoints: chunks that other runs had left.
    """

    versions: Mapping[str, str | None]
    checkpoints: frozenset[ObjectKey]


@dataclass(frozen=True, slots=True)
class Side:
    """What is stored of a table's day and what of it is current; `item`, `input_version` and file per row.

    Attributes:
        table: of rows, or of rejections.
        key: its column that names an item.
        recipes: the recipe versions that are current, each where there is none before it.
        stored: identities of all rows.
        current: of the rows that are wanted.
        committed: the day's file, be it there or not.
        is_committed: whether it is.
        checkpoints: chunks that were not committed yet.
    """

    table: Table
    key: str
    recipes: tuple[str, ...]
    stored: pl.DataFrame
    current: pl.DataFrame
    committed: ObjectKey
    is_committed: bool
    checkpoints: tuple[ObjectKey, ...]

    @property
    def files(self) -> tuple[ObjectKey, ...]:
        """The day's file, if it is there, and the chunks."""
        return (self.committed, *self.checkpoints) if self.is_committed else self.checkpoints

    def is_written(self, uri: str) -> bool:
        """Whether the committed file, which has this address, holds exactly the current rows."""
        committed, current = (rows.filter(pl.col(FILE_COLUMN) == uri) for rows in (self.stored, self.current))
        wanted = self.current.select(IDENTITY).n_unique()
        return self.is_committed and committed.height == current.height == wanted


@dataclass(frozen=True, slots=True)
class Standing:
    """How one target stands; `missing` has the identity of every input without a current row or rejection."""

    target: Target
    rows: Side
    rejections: Side
    missing: pl.DataFrame
    is_settled: bool

    def rejection_version(self, item: object, input_version: object, reason: RejectionReason) -> str:
        """The recipe version under which a new rejection is remembered.

        A worker that dies may have been killed by something else than its image, so that the first time counts for
        this run only: the next one finds the rejection out of date and tries the image once more.
        """
        first = self.target.first_crash_version
        is_it = (pl.col("item") == item) & (pl.col("input_version") == input_version)
        if reason is not RejectionReason.WORKER_CRASHED:
            return self.target.recipe_version
        had_crashed = self.rejections.stored.filter(is_it & (pl.col("recipe_version") == first)).height
        return self.target.recipe_version if had_crashed else first


def note_basis(tables: ParquetTables, target: Target, day: date) -> Basis:
    """To be noted before the inputs are read, so that they are no older than what a commit replaces."""
    both = target.table, rejections_of(target.table)
    versions = {table.name: tables.store.version(object_keys.table_key(table.name, day)) for table in both}
    return Basis(versions, frozenset(key for table in both for key in checkpoints_of(tables, table, day)))


def take_stock(
    tables: ParquetTables, target: Target, day: date, inputs: pl.DataFrame, *, is_worked_off: bool = False
) -> Standing:
    """Compare what is stored of a target's day, committed or left by an interrupted run, with the inputs.

    Once the work `is_worked_off`, the first crash of a worker over an image is an outcome too.
    """
    wanted = inputs.select(pl.col(target.key).alias("item"), "input_version")
    recipes = (target.recipe_version, *([target.first_crash_version] if is_worked_off else []))
    rows = _side(tables, target.table, target.key, day, recipes[:1], wanted, target.backing)
    # After two runs at once an item may have both: the row wins.
    undecided = wanted.join(rows.current, on=IDENTITY, how="anti")
    rejections = _side(tables, rejections_of(target.table), "item", day, recipes, undecided)
    missing = undecided.join(rejections.current, on=IDENTITY, how="anti")
    is_written = all(side.is_written(tables.store.uri(side.committed)) for side in (rows, rejections))
    is_settled = is_written and missing.is_empty() and not rows.checkpoints and not rejections.checkpoints
    return Standing(target, rows, rejections, missing, is_settled)


def _side(
    tables: ParquetTables,
    table: Table,
    key: str,
    day: date,
    recipes: tuple[str, ...],
    wanted: pl.DataFrame,
    backing: Backing | None = None,
) -> Side:
    committed, is_committed = object_keys.table_key(table.name, day), tables.exists(table, day)
    checkpoints = checkpoints_of(tables, table, day)
    files = [committed, *checkpoints] if is_committed else checkpoints
    stored = _identities(tables, files, key, backing.columns if backing else [])
    asked = stored.join(wanted, on=IDENTITY, how="semi")
    current = asked.clear()
    for recipe in recipes:
        rows = asked.filter(pl.col("recipe_version") == recipe)
        current = pl.concat([current, rows.join(current, on=IDENTITY, how="anti")])
    if backing and files:
        # Of an object that was made again there are two rows: that of before holds again, if its size is the same.
        current = backing.backed(tables.store, current).unique(IDENTITY, keep="first", maintain_order=True)
    return Side(table, key, recipes, stored, current, committed, is_committed, checkpoints)


def _identities(tables: ParquetTables, files: Sequence[ObjectKey], key: str, others: Sequence[str]) -> pl.DataFrame:
    if not files:
        return pl.DataFrame(schema=dict.fromkeys([*IDENTITY, "recipe_version", FILE_COLUMN], pl.String))
    rows = tables.scan_files(files, [key, "input_version", "recipe_version", *others], with_file=True)
    return rows.rename({key: "item"})


def commit(
    tables: ParquetTables, target: Target, day: date, inputs: pl.DataFrame, basis: Basis, own_chunks: str
) -> Standing:
    """Replace rejections, then rows; a reader in between sees the rows of before. Rows of a former recipe are kept.

    Chunks that another run has written since belong to its own commit and stay.

    Args:
        tables: the lake's tables.
        target: whose inputs have all got an outcome.
        day: the partition.
        inputs: read after the basis was noted.
        basis: what may be replaced.
        own_chunks: how the names of this run's chunks begin.

    Raises:
        ObjectNotFoundError: another run of this day committed these chunks first.
        ObjectChangedError: another run of this day committed meanwhile; look again.
    """
    standing = take_stock(tables, target, day, inputs, is_worked_off=True)
    if standing.missing.height:
        raise ObjectChangedError(f"another run has removed chunks of {target.table.name} for {day}: run it again")
    if former := _former_recipe(tables, standing):
        tables.keep_former(target.table.name, day, former)
    for side in (standing.rejections, standing.rows):
        if not side.is_written(tables.store.uri(side.committed)):
            there = basis.versions[side.table.name]
            tables.write_file(side.committed, side.table, day, _parts(tables, side), over=there)
    for chunk in standing.rejections.checkpoints + standing.rows.checkpoints:
        if chunk in basis.checkpoints or chunk.rpartition("/")[2].startswith(own_chunks):
            tables.store.delete(chunk)
    return standing


def _former_recipe(tables: ParquetTables, standing: Standing) -> str | None:
    """The recipe that made the rows of before; None when it is the wanted one or there are none."""
    file = tables.store.uri(standing.rows.committed)
    is_former = (pl.col(FILE_COLUMN) == file) & (pl.col("recipe_version") != standing.target.recipe_version)
    return next(iter(standing.rows.stored.filter(is_former).get_column("recipe_version").to_list()), None)


def _parts(tables: ParquetTables, side: Side) -> Iterator[pl.DataFrame]:
    """The current rows in the order of their primary key, a bounded number at a time."""
    used = set(side.current.get_column(FILE_COLUMN).to_list())
    committed = [key for key in side.files if tables.store.uri(key) in used]
    order = side.table.primary_key[0]
    if not committed:
        yield side.table.schema.create_empty()
        return
    names = tables.scan_files(committed, [order]).get_column(order).unique().sort()
    identity = [pl.col(side.key), pl.col("input_version"), pl.col("recipe_version")]
    for bounds in _ranges(names):
        is_in_range = pl.col(order).is_between(pl.lit(bounds[0]), pl.lit(bounds[1]))
        where = pl.col("recipe_version").is_in(side.recipes) & is_in_range
        rows = tables.scan_files(committed, where=where)
        rows = rows.join(side.current, left_on=identity, right_on=[*IDENTITY, "recipe_version"], how="semi")
        rows = rows.select(side.table.schema.column_names())
        yield rows.sort(order, "processed_at").unique(side.table.primary_key, keep="last", maintain_order=True)


def _ranges(ordered: pl.Series) -> Iterator[tuple[str, str]]:
    for start in range(0, len(ordered), _COMMIT_ROWS):
        yield ordered[start], ordered[min(start + _COMMIT_ROWS, len(ordered)) - 1]
