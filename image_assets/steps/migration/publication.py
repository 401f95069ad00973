"""Telling the days of what a scan has found: each day gets a manifest of its files, once, when the scan has ended."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from typing import Final

import polars as pl

from image_assets.errors import ObjectChangedError
from image_assets.ids import ObjectKey
from image_assets.lake.object_keys import manifest_key
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.migration.ledger import Ledger, count_days
from image_assets.tables.migration import SOURCE_ENTRIES

_AT_ONCE: Final = 50_000


def publish(
    ledger: Ledger, scan: int, on_progress: Callable[[int, int], None] = lambda _, __: None, at_once: int = _AT_ONCE
) -> int:
    """Write the manifests that are not there yet; how many days the scan has files for.

    What they hold follows from the ledger alone: killed anywhere, the next call writes the rest.
    """
    shards, days = ledger.shards(scan), Counter[date]()
    for key in shards:
        days.update(count_days(ledger.tables, key))
    done = 0
    for some in _batches(days, at_once):
        on_progress(done, len(days))
        wanted = [day for day in some if not ledger.tables.store.exists(manifest_key(day, ledger.root, scan))]
        if wanted:
            _tell(ledger, scan, _rows(ledger.tables, shards, wanted))
        done += len(some)
    on_progress(done, len(days))
    return len(days)


def _batches(days: Counter[date], most: int) -> Iterator[list[date]]:
    """Days in order, so many files at once, or a single day."""
    some: list[date] = []
    for day in sorted(days):
        if some and sum(days[each] for each in (*some, day)) > most:
            yield some
            some = []
        some.append(day)
    if some:
        yield some


def _rows(tables: ParquetTables, shards: Sequence[ObjectKey], days: Sequence[date]) -> pl.DataFrame:
    return pl.concat([tables.scan_files([key], where=pl.col("day").is_in(days)) for key in shards])


def _tell(ledger: Ledger, scan: int, rows: pl.DataFrame) -> None:
    for (day,), mine in rows.partition_by("day", as_dict=True).items():
        # Another process, which was killed, has written the same.
        with suppress(ObjectChangedError):
            ledger.tables.write_file(manifest_key(day, ledger.root, scan), SOURCE_ENTRIES, day, [mine], over=None)
