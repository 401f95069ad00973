"""The ledger of a source: what its scans have found, in shards that are written once, in the order of the paths.

A scan that was cut off goes on behind the last path of its last shard: no entry is noted twice, none is left out.
"""

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import polars as pl

from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.tables.migration import SOURCE_ENTRIES

SHARD_ENTRIES: Final = 20_000
"""What is held of a scan at a time; a kill costs the looks at so many entries, a second or two."""
_KNOWN: Final = ["path", "kind", "detail", "version", "sidecar_version", "day", "source_uri", "user_id"]


@dataclass(frozen=True, slots=True)
class Known:
    """What an earlier scan has noted of a path."""

    path: bytes
    kind: str
    detail: str | None
    version: str | None
    sidecar_version: str | None
    day: date | None
    source_uri: str | None
    user_id: str | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """Of one source; `root` is what its files are known by."""

    tables: ParquetTables
    root: str

    def scans(self) -> list[int]:
        """The scans that have found anything, in order."""
        return sorted({_scan_of(info.key) for info in self.tables.store.list(self._prefix)})

    def shards(self, scan: int) -> list[ObjectKey]:
        """The shards of a scan, in order."""
        return sorted(info.key for info in self.tables.store.list(self._prefix) if _scan_of(info.key) == scan)

    def last_path(self, scan: int) -> bytes:
        """Where a scan goes on; empty for its beginning."""
        shards = self.shards(scan)
        if not shards:
            return b""
        return unquote_to_bytes(self.tables.scan_files([shards[-1]], ["path"]).get_column("path")[-1])

    def put(self, scan: int, number: int, rows: Sequence[Sequence[Any]]) -> pl.DataFrame:
        """Write a shard, once; `ObjectChangedError` when another process did."""
        frame = frame_of(rows)
        self.tables.write_file(self._key(scan, number), SOURCE_ENTRIES, None, [frame], over=None)
        return frame

    def forget(self, scan: int) -> None:
        """Remove the shards of a scan that nothing was made of, the last one first."""
        for key in reversed(self.shards(scan)):
            self.tables.store.delete(key)

    def known(self, before: int) -> Iterator[Known]:
        """The last word of the scans before one on each path, in the order of the paths; a shard of each is held."""
        streams = [self._noted(scan) for scan in reversed(self.scans()) if scan < before]
        merged = heapq.merge(*streams, key=lambda known: known.path)
        # Of equal paths the first stream, which is that of the latest scan, comes first.
        return (next(words) for _, words in groupby(merged, key=lambda known: known.path))

    def _noted(self, scan: int) -> Iterator[Known]:
        for key in self.shards(scan):
            for path, *rest in self.tables.scan_files([key], _KNOWN).iter_rows():
                yield Known(unquote_to_bytes(path), *rest)

    def _key(self, scan: int, number: int) -> ObjectKey:
        return ObjectKey(f"{self._prefix}/{scan:06}-{number:06}.parquet")

    @property
    def _prefix(self) -> str:
        return f"{object_keys.TABLES}/{SOURCE_ENTRIES.name}/{self.root}"


def frame_of(rows: Sequence[Sequence[Any]]) -> pl.DataFrame:
    """Rows in the order of the table's columns."""
    return pl.DataFrame(rows, schema=SOURCE_ENTRIES.schema.create_empty().schema, orient="row")


def days_taken(tables: ParquetTables) -> Counter[date]:
    """How many files of any source each day has."""
    taken: Counter[date] = Counter()
    for key in tables.files(SOURCE_ENTRIES.name):
        taken.update(count_days(tables, key))
    return taken


def count_days(tables: ParquetTables, key: ObjectKey) -> Counter[date]:
    """How many files of each day a shard has."""
    days = tables.scan_files([key], ["day"], pl.col("day").is_not_null()).get_column("day")
    return Counter(dict(days.value_counts().iter_rows()))


def _scan_of(key: ObjectKey) -> int:
    return int(key.rpartition("/")[2].partition("-")[0])
