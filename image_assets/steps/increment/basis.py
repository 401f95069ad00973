"""What lay there of a target's day before its inputs were read: listed once, and carried through the step."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeAlias

from image_assets.ids import ObjectKey
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.increment.checkpoints import checkpoints_of
from image_assets.tables.rejections import rejections_of
from image_assets.tables.table import Table

ChunksOf: TypeAlias = Callable[[ParquetTables, Table, date], tuple[ObjectKey, ...]]
"""Finds a table's chunks of a day."""


@dataclass(frozen=True, slots=True)
class Basis:
    """The files of rows and rejections, by table name.

    Attributes:
        versions: of the committed files; None where there was none.
        checkpoints: chunks that other runs had left, then those of this run.
        own: those of this run.
    """

    versions: Mapping[str, str | None]
    checkpoints: Mapping[str, tuple[ObjectKey, ...]]
    own: frozenset[ObjectKey] = frozenset()

    def with_own(self, written: Mapping[str, Collection[ObjectKey]]) -> "Basis":
        """With the chunks that this run has written since, by table name."""
        checkpoints = {name: (*keys, *written.get(name, ())) for name, keys in self.checkpoints.items()}
        return replace(self, checkpoints=checkpoints, own=frozenset(key for keys in written.values() for key in keys))


def note_basis(tables: ParquetTables, table: Table, day: date, chunks_of: ChunksOf = checkpoints_of) -> Basis:
    """To be noted before the inputs are read, so that they are no older than what a commit replaces."""
    both = table, rejections_of(table)
    versions = {each.name: tables.store.version(tables.key(each.name, day)) for each in both}
    return Basis(versions, {each.name: chunks_of(tables, each, day) for each in both})
