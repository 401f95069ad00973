"""What is stored of a table's day, held against what is wanted of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from image_assets.errors import RejectionReason
from image_assets.ids import ObjectKey
from image_assets.lake.parquet_tables import FILE_COLUMN, ParquetTables
from image_assets.steps.increment.backing import Backing
from image_assets.steps.increment.basis import Basis
from image_assets.steps.increment.recipe import Recipe, version_of
from image_assets.tables.rejections import rejections_of
from image_assets.tables.table import Table

IDENTITY = ["item", "input_version"]


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
        """What a rejection has instead after the first crash over an image; see `Stock.rejection_version`."""
        return version_of(self.recipe_version, RejectionReason.WORKER_CRASHED.value)


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of a day, or its rejections: what is stored and what is current; identity, recipe and file of each.

    Attributes:
        table: of rows, or of rejections.
        key: its column that names an item.
        recipes: the recipe versions that are current, each where there is none before it.
        stored: identities of all rows.
        current: of the rows that are wanted, those in no file yet included.
        committed: the day's file, be it there or not.
        is_committed: whether it is.
        checkpoints: chunks that were not committed yet.
        made: whole rows that are in no file yet.
    """

    table: Table
    key: str
    recipes: tuple[str, ...]
    stored: pl.DataFrame
    current: pl.DataFrame
    committed: ObjectKey
    is_committed: bool
    checkpoints: tuple[ObjectKey, ...]
    made: pl.DataFrame

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
class Stock:
    """What there is of one target's day.

    Attributes:
        target: what is wanted.
        rows: of its table.
        rejections: of the companion.
        missing: identity of every input without a current row or rejection.
        is_up_to_date: whether nothing is missing and the committed files hold what is current and nothing else.
    """

    target: Target
    rows: Part
    rejections: Part
    missing: pl.DataFrame
    is_up_to_date: bool

    def with_made(self, rows: pl.DataFrame) -> "Stock":
        """With a row, which is in no file yet, for everything that was missing."""
        identities = rows.select("input_version", "recipe_version", item=self.target.key)
        current = pl.concat([self.rows.current, identities], how="diagonal")
        return replace(self, rows=replace(self.rows, current=current, made=rows), missing=self.missing.clear())

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


def take_stock(
    tables: ParquetTables, target: Target, day: date, inputs: pl.DataFrame, basis: Basis, *, is_worked_off: bool = False
) -> Stock:
    """Compare what is stored of a target's day, committed or in the chunks of the basis, with the inputs.

    Once the work `is_worked_off`, the first crash of a worker over an image is an outcome too.
    """
    wanted = inputs.select(pl.col(target.key).alias("item"), "input_version")
    recipes = (target.recipe_version, *([target.first_crash_version] if is_worked_off else []))
    rows = _part(tables, target.table, target.key, day, basis, recipes[:1], wanted, target.backing)
    # After two runs at once an item may have both: the row wins.
    undecided = wanted.join(rows.current, on=IDENTITY, how="anti")
    rejections = _part(tables, rejections_of(target.table), "item", day, basis, recipes, undecided)
    missing = undecided.join(rejections.current, on=IDENTITY, how="anti")
    is_written = all(part.is_written(tables.store.uri(part.committed)) for part in (rows, rejections))
    is_up_to_date = is_written and missing.is_empty() and not rows.checkpoints and not rejections.checkpoints
    return Stock(target, rows, rejections, missing, is_up_to_date)


def _part(
    tables: ParquetTables,
    table: Table,
    key: str,
    day: date,
    basis: Basis,
    recipes: tuple[str, ...],
    wanted: pl.DataFrame,
    backing: Backing | None = None,
) -> Part:
    committed, is_committed = tables.key(table.name, day), basis.versions[table.name] is not None
    checkpoints = basis.checkpoints[table.name]
    files = [committed, *checkpoints] if is_committed else checkpoints
    stored = _identities(tables, files, key, backing.columns if backing else [])
    asked = stored.join(wanted, on=IDENTITY, how="semi")
    current = asked.clear()
    for recipe in recipes:
        rows = asked.filter(pl.col("recipe_version") == recipe)
        current = pl.concat([current, rows.join(current, on=IDENTITY, how="anti")])
    if backing and files:
        # This run has just written what its own rows name.
        is_own = pl.col(FILE_COLUMN).is_in([tables.store.uri(key) for key in basis.own])
        former, own = current.filter(~is_own), current.filter(is_own)
        # Of an object that was made again there are two rows: that of before holds again, if its size is the same.
        current = pl.concat([backing.backed(tables.store, former), own])
    # Two runs at once, or one that was cut off while it put chunks together, leave a row twice.
    current = current.unique(IDENTITY, keep="first", maintain_order=True)
    made = table.no_rows
    return Part(table, key, recipes, stored, current, committed, is_committed, checkpoints, made)


def _identities(tables: ParquetTables, files: Sequence[ObjectKey], key: str, others: Sequence[str]) -> pl.DataFrame:
    if not files:
        return pl.DataFrame(schema=dict.fromkeys([*IDENTITY, "recipe_version", FILE_COLUMN], pl.String))
    rows = tables.scan_files(files, [key, "input_version", "recipe_version", *others], with_file=True)
    return rows.rename({key: "item"})
