"""Access tiers of Azure's: originals of old days stay under their keys and cost less to keep.

Compare with the digest in bronze, note, and only then move. Out of the tier Archive an original comes within hours, so
that bringing it back is asked for first and seen later. Killed anywhere, do it again: what a blob says counts.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, Final

import polars as pl

from image_assets.errors import ObjectArchivedError, ObjectNotFoundError, StorageError
from image_assets.ids import ImageId, ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.increment.pace import Progress, untold
from image_assets.steps.upkeep.archive import ArchiveReport, archive_days, note_originals, old_days, restore_day
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.upkeep import TIERED_ORIGINALS

REHYDRATED_WITHIN: Final = timedelta(hours=15)
"""What Azure states for the standard priority, of blobs of less than 10 GB."""

_AT_ONCE: Final = 256
_HOT: Final = "Hot"


@dataclass(frozen=True, slots=True)
class Restoring:
    """What became of originals that were asked back; `ready_by` is when the last of those that are coming is there."""

    back: int
    coming: int
    ready_by: datetime | None


def archive_old(
    tables: ParquetTables, tier: str | None, older_than_days: int, now: datetime, on_progress: Progress = untold
) -> ArchiveReport:
    """Put old originals into a tier, or into the archive of a lake that has one of its own."""
    if tier is None:
        return archive_days(tables, old_days(tables, older_than_days, now.date()), older_than_days, now, on_progress)
    return tier_days(tables, days_to_tier(tables, tier, older_than_days, now), tier, older_than_days, now, on_progress)


def restore_originals(
    tables: ParquetTables, day: date, now: datetime, only: Collection[ImageId] | None = None
) -> Restoring:
    """Bring originals back from wherever they were put."""
    if tables.exists(TIERED_ORIGINALS, day):
        return bring_back_day(tables, day, now, only)
    return Restoring(restore_day(tables, day, now, only), 0, None)


def days_to_tier(tables: ParquetTables, tier: str, older_than_days: int, now: datetime) -> list[date]:
    """Days more than so many days ago with originals that are not in the tier, and were not brought back lately."""
    last, before = now.date() - timedelta(days=older_than_days + 1), now - timedelta(days=older_than_days)
    days = [day for day in tables.days(BRONZE_IMAGES.name) if day <= last]
    return [day for day in days if next(_to_move(tables, day, tier, before), None)]


def tier_days(
    tables: ParquetTables,
    days: Sequence[date],
    tier: str,
    older_than_days: int,
    now: datetime,
    on_progress: Progress = untold,
) -> ArchiveReport:
    """Put originals of the days into a tier; what is not what bronze says stays where it is and is named."""
    moved: list[int] = []
    damaged: list[ObjectKey] = []
    for number, day in enumerate(days):
        on_progress(number, len(days))
        rows = _to_move(tables, day, tier, now - timedelta(days=older_than_days))
        while chunk := list(islice(rows, _AT_ONCE)):
            whole = [row for row in chunk if _is_whole(tables.store, row)]
            note_originals(tables, TIERED_ORIGINALS, day, [_row_of(day, row, tier, now) for row in whole])
            _tiers(tables).move([row["raw_path"] for row in whole], _spelt(tier))
            moved += [row["size_bytes"] for row in whole]
            damaged += [row["raw_path"] for row in chunk if row not in whole]
    on_progress(len(days), len(days))
    return ArchiveReport(len(days), len(moved), sum(moved), tuple(damaged))


def bring_back_day(
    tables: ParquetTables, day: date, now: datetime, only: Collection[ImageId] | None = None
) -> Restoring:
    """Ask for originals of a day, all or some, and say which are back; doing it again says how far they are."""
    manifest = tables.read_or_empty(TIERED_ORIGINALS, day)
    away = manifest.filter(pl.col("state") != "restored")
    wanted = away if only is None else away.filter(pl.col("image_id").is_in(list(only)))
    asked = wanted.filter(pl.col("state") == "archived")
    if not wanted.is_empty():
        _tiers(tables).move(asked["key"], _HOT)
        rows = list(_seen(tables, day, wanted, now))
        note_originals(tables, TIERED_ORIGINALS, day, rows)
        coming = [row["ready_by"] for row in rows if row["state"] == "restoring"]
        return Restoring(len(rows) - len(coming), len(coming), max(coming, default=None))
    return Restoring(0, 0, None)


def told_when(tables: ParquetTables, error: ObjectArchivedError) -> ObjectArchivedError:
    """The error with what is known of the original: whether it was asked back, and when it is there."""
    rows = tables.scan(TIERED_ORIGINALS, ["day", "ready_by"], where=pl.col("key") == str(error.key))
    for row in rows.iter_rows(named=True):
        told = f"image-assets restore --day {row['day']}"
        if row["ready_by"]:
            told = f"it was asked back, ready by {row['ready_by']:%Y-%m-%d %H:%M} UTC"
        return ObjectArchivedError(f"{error}; {told}", key=error.key)
    return error


def _tiers(tables: ParquetTables) -> Any:
    # Azure's client is an extra.
    from image_assets.lake.azure.access_tiers import tiers_of

    return tiers_of(tables.store)


def _spelt(tier: str) -> str:
    return tier.capitalize()


def _to_move(tables: ParquetTables, day: date, tier: str, before: datetime) -> Iterator[dict[str, Any]]:
    """Rows of bronze whose original is in another tier and was not brought back lately."""
    kept = _tiers(tables).kept(object_keys.bronze_prefix(day))
    manifest = tables.read_or_empty(TIERED_ORIGINALS, day)
    stays = manifest.filter((pl.col("state") == "restoring") | (pl.col("restored_at") > before)).select("image_id")
    columns = ["image_id", "raw_path", "sha256", "size_bytes"]
    rows = tables.scan(BRONZE_IMAGES, columns, [day]).join(stays, on="image_id", how="anti")
    for row in rows.iter_rows(named=True):
        there = kept.get(row["raw_path"])
        if there and there.tier not in {_spelt(tier), "Archive"}:
            yield row


def _is_whole(store: ObjectStore, row: Mapping[str, Any]) -> bool:
    try:
        return bool(hashlib.sha256(store.read(ObjectKey(row["raw_path"]))).hexdigest() == row["sha256"])
    except ObjectNotFoundError:
        return False


def _row_of(day: date, row: Mapping[str, Any], tier: str, now: datetime) -> dict[str, object]:
    told = {"image_id": row["image_id"], "day": day, "key": row["raw_path"], "size_bytes": row["size_bytes"]}
    return {**told, "tier": _spelt(tier), "state": "archived", "tiered_at": now, "ready_by": None, "restored_at": None}


def _seen(tables: ParquetTables, day: date, wanted: pl.DataFrame, now: datetime) -> Iterator[dict[str, Any]]:
    """Rows as the blobs are found."""
    kept = _tiers(tables).kept(object_keys.bronze_prefix(day))
    for row in wanted.iter_rows(named=True):
        there = kept.get(row["key"])
        if there is None:
            told = f"{tables.store.uri(row['key'])} is gone: see image-assets scrub and repair"
            raise StorageError(told, key=row["key"])
        if there.tier != "Archive":
            yield {**row, "state": "restored", "restored_at": now, "ready_by": None}
        else:
            yield {**row, "state": "restoring", "ready_by": row["ready_by"] or now + REHYDRATED_WITHIN}
