"""Whether two lakes hold the same: every object under the same key, every row of every table but versions and times.

Numbers that a model computed may differ in their last digits, because its batches may have been others.
"""

import hashlib

import polars as pl
from polars.testing import assert_frame_equal

from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables

_BYTES = (object_keys.BRONZE, object_keys.SILVER, object_keys.THUMBNAILS, object_keys.PREVIEWS)
_OWN = {
    *("input_version", "uploaded_at", "ingested_at", "processed_at", "archived_at", "archive_uri", "restored_at"),
    *("begun_at", "erased_at", "reached_at", "place", "objects_removed", "rows_removed"),
}
"""Columns that each lake has of its own: versions of objects, places, times, as of uploads whose uploader tells none,
and what an erasure found in how many goes."""
_NOISE = 1e-4


def differences(one: ParquetTables, other: ParquetTables) -> list[str]:
    """What differs, in words; nothing when they are equal."""
    return [*_objects(one.store, other.store), *_tables(one, other)]


def _objects(one: ObjectStore, other: ObjectStore) -> list[str]:
    first, second = (dict(_digests(store)) for store in (one, other))
    return [f"{key} differs" for key in sorted(first.keys() | second.keys()) if first.get(key) != second.get(key)]


def _digests(store: ObjectStore) -> list[tuple[ObjectKey, str]]:
    keys = [info.key for folder in _BYTES for info in store.list(folder)]
    return [(key, hashlib.sha256(store.read(key)).hexdigest()) for key in keys]


def _tables(one: ParquetTables, other: ParquetTables) -> list[str]:
    first, second = (
        {info.key for info in tables.store.list(object_keys.TABLES) if info.key.endswith(".parquet")}
        for tables in (one, other)
    )
    missing = [f"{key} is in one lake only" for key in sorted(first ^ second)]
    return missing + [told for key in sorted(first & second) if (told := _difference(one, other, key))]


def _difference(one: ParquetTables, other: ParquetTables, key: ObjectKey) -> str | None:
    first, second = (_without_own(tables.scan_files([key])) for tables in (one, other))
    try:
        assert_frame_equal(first, second, abs_tol=_NOISE)
    except AssertionError as error:
        return f"{key} differs: {error}"
    return None


def _without_own(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.drop(_OWN.intersection(rows.columns))
