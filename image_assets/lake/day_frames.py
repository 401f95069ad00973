"""What a process remembers of a table of all days: only days whose file has changed are read again."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import polars as pl

from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables

_FRESH_S: Final = 1.0


class DayFrames:
    """A part of every day of a table, as it was a second ago at most; may be shared by threads.

    Args:
        tables: the lake's tables.
        table: name of the table.
        columns: what is read, everything for None; a day that lacks one of them, as an older release made it, counts
            as empty.
        part_of: what is kept of a day's rows.
        clock: seconds.
    """

    def __init__(
        self,
        tables: ParquetTables,
        table: str,
        columns: Sequence[str] | None,
        part_of: Callable[[pl.DataFrame], pl.DataFrame],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tables, self._table, self._columns, self._part_of = tables, table, columns, part_of
        self._clock = clock
        self._days: dict[ObjectKey, tuple[str, pl.DataFrame | None]] = {}
        self._all: tuple[pl.DataFrame, ...] = ()
        self._looked_at = float("-inf")
        self._looking = threading.Lock()

    def all(self) -> tuple[pl.DataFrame, ...]:
        """The parts, in the order of the days: the same tuple while nothing has changed."""
        with self._looking:
            if self._clock() - self._looked_at >= _FRESH_S:
                self._look()
                self._looked_at = self._clock()
            return self._all

    def renew(self) -> None:
        """Show nobody what the days were before this moment."""
        with self._looking:
            self._looked_at = float("-inf")

    def _look(self) -> None:
        listed = self._tables.store.list(f"{object_keys.TABLES}/{self._table}")
        versions = {info.key: info.version for info in listed if object_keys.day_of(info.key)}
        if versions != {key: version for key, (version, _) in self._days.items()}:
            self._days = {key: (version, self._part(key, version)) for key, version in versions.items()}
            self._all = tuple(part for _, part in self._days.values() if part is not None)

    def _part(self, key: ObjectKey, version: str) -> pl.DataFrame | None:
        former = self._days.get(key)
        if former and former[0] == version:
            return former[1]
        if self._columns and not {*self._columns} <= {*self._tables.file_schema(key)}:
            return None
        return self._part_of(self._tables.scan_files([key], self._columns))
