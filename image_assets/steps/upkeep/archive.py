"""The cold archive: originals of old days move to cheaper storage and stay readable under the same key.

Copy, flush, read back and compare with the digest in bronze, note in the manifest, and only then delete. Killed
anywhere there are two copies of an original for a while, never none; the next go finds those still in the lake.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

import polars as pl

from image_assets.errors import ConfigurationError, ObjectNotFoundError, StoreUnavailableError
from image_assets.ids import ImageId, ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.tiered_object_store import TieredObjectStore
from image_assets.steps.increment.pace import Progress, untold
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.table import Table
from image_assets.tables.upkeep import ARCHIVED_ORIGINALS, TIERED_ORIGINALS

_AT_ONCE = 256
_COLUMNS = ["image_id", "raw_path", "sha256", "size_bytes"]


@dataclass(frozen=True, slots=True)
class ArchiveReport:
    """What became of the originals of some days; those that are not what bronze says stay where they are."""

    days: int
    moved: int
    moved_bytes: int
    damaged: tuple[ObjectKey, ...]


def old_days(tables: ParquetTables, older_than_days: int, today: date) -> list[date]:
    """Days more than so many days ago that still have originals in the lake."""
    last = today - timedelta(days=older_than_days + 1)
    hot = archive_tiers(tables).hot
    days = [day for day in tables.days(BRONZE_IMAGES.name) if day <= last]
    return [day for day in days if next(iter(hot.list(object_keys.bronze_prefix(day))), None)]


def archive_days(
    tables: ParquetTables,
    days: Sequence[date],
    older_than_days: int,
    now: datetime,
    on_progress: Progress = untold,
) -> ArchiveReport:
    """Move originals of the days; what was brought back is left in the lake until it is as old again."""
    tiers = archive_tiers(tables)
    tiers.mark_archive()
    moved: list[int] = []
    damaged: list[ObjectKey] = []
    for number, day in enumerate(days):
        on_progress(number, len(days))
        rows = _to_move(tables, tiers, day, now - timedelta(days=older_than_days))
        while chunk := list(islice(rows, _AT_ONCE)):
            safe = {row["image_id"]: row for row in chunk if _copy(tiers.hot, tiers.archive, row)}
            tiers.archive.flush()
            safe = {name: row for name, row in safe.items() if _holds(tiers.archive, row)}
            note_originals(
                tables, ARCHIVED_ORIGINALS, day, [_manifest_row(tiers, day, row, now) for row in safe.values()]
            )
            for row in safe.values():
                tiers.hot.delete(row["raw_path"])
            moved += [row["size_bytes"] for row in safe.values()]
            damaged += [row["raw_path"] for row in chunk if row["image_id"] not in safe]
    on_progress(len(days), len(days))
    return ArchiveReport(len(days), len(moved), sum(moved), tuple(damaged))


def restore_day(tables: ParquetTables, day: date, now: datetime, only: Collection[ImageId] | None = None) -> int:
    """Bring originals back into the lake, all of a day or some; the archive keeps its copies. How many came.

    Raises:
        StoreUnavailableError: a copy in the archive is gone or damaged; those before it are back.
    """
    tiers = archive_tiers(tables)
    tiers.check_archive()
    manifest = tables.read_or_empty(ARCHIVED_ORIGINALS, day).rename({"key": "raw_path"})
    away = manifest.filter(pl.col("restored_at").is_null())
    wanted = away if only is None else away.filter(pl.col("image_id").is_in(list(only)))
    for row in wanted.iter_rows(named=True):
        if not _copy(tiers.archive, tiers.hot, row):
            where = tiers.archive.uri(row["raw_path"])
            told = f"{where} is gone or not what was archived: look after the archive"
            raise StoreUnavailableError(told, key=row["raw_path"])
    tiers.hot.flush()
    back = wanted.with_columns(restored_at=now).rename({"raw_path": "key"})
    note_originals(tables, ARCHIVED_ORIGINALS, day, back.to_dicts())
    return wanted.height


def day_of_original(tables: ParquetTables, image_id: ImageId) -> date:
    """The day of an archived original; `ConfigurationError` when none has this id."""
    for table in (ARCHIVED_ORIGINALS, TIERED_ORIGINALS):
        days = tables.scan(table, ["day"], where=pl.col("image_id") == image_id).get_column("day")
        if not days.is_empty():
            return date.fromisoformat(str(days[0]))
    raise ConfigurationError(f"no original of the id {image_id} was archived")


def archive_tiers(tables: ParquetTables) -> TieredObjectStore:
    """The lake and its archive.

    Raises:
        ConfigurationError: the lake has none.
    """
    if not isinstance(tables.store, TieredObjectStore):
        raise ConfigurationError("the lake has no archive: set IMAGE_ASSETS_ARCHIVE_ROOT to a folder for it")
    return tables.store


def _to_move(tables: ParquetTables, tiers: TieredObjectStore, day: date, before: datetime) -> Iterator[dict[str, Any]]:
    """Rows of bronze whose original is in the lake and was not brought back lately."""
    there = {info.key for info in tiers.hot.list(object_keys.bronze_prefix(day))}
    manifest = tables.read_or_empty(ARCHIVED_ORIGINALS, day)
    kept = manifest.filter(pl.col("restored_at") > before).select("image_id")
    rows = tables.scan(BRONZE_IMAGES, _COLUMNS, [day]).join(kept, on="image_id", how="anti")
    yield from (row for row in rows.iter_rows(named=True) if row["raw_path"] in there)


def _copy(source: ObjectStore, target: ObjectStore, row: Mapping[str, Any]) -> bool:
    """Give the target the original unless it has it; False when the source has not what the row says."""
    if _holds(target, row):
        return True
    try:
        data = source.read(row["raw_path"])
    except ObjectNotFoundError:
        return False
    if hashlib.sha256(data).hexdigest() != row["sha256"]:
        return False
    target.write(row["raw_path"], data)
    return True


def _holds(store: ObjectStore, row: Mapping[str, Any]) -> bool:
    key = ObjectKey(row["raw_path"])
    return store.exists(key) and hashlib.sha256(store.read(key)).hexdigest() == row["sha256"]


def _manifest_row(tiers: TieredObjectStore, day: date, row: Mapping[str, Any], now: datetime) -> dict[str, object]:
    return {
        "image_id": row["image_id"],
        "day": day,
        "key": row["raw_path"],
        "size_bytes": row["size_bytes"],
        "sha256": row["sha256"],
        "archived_at": now,
        "archive_uri": tiers.archive.uri(row["raw_path"]),
        "restored_at": None,
    }


def note_originals(tables: ParquetTables, table: Table, day: date, rows: Sequence[Mapping[str, object]]) -> None:
    """Put rows into a manifest in place of those of the same images; durably, before anything is deleted."""

    def manifest() -> pl.DataFrame:
        former = tables.read_or_empty(table, day)
        changed = pl.DataFrame(rows, schema=former.schema)
        return pl.concat([former.join(changed, on="image_id", how="anti"), changed])

    if rows:
        tables.replace_if_changed(table, day, manifest)
        tables.store.flush()
