"""Taking back that a file was registered, because its image is erased; the file itself is not ours to change."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from typing import Final
from urllib.parse import quote

import polars as pl

from image_assets.errors import ConfigurationError, ObjectNotFoundError, StorageError
from image_assets.ids import ObjectKey, SourceUri
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.optimism import until_first
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.sources.record import read_sources
from image_assets.tables.migration import ERASED, SOURCE_ENTRIES

_FORGOTTEN: Final = [
    "detail",
    "version",
    "day",
    "source_uri",
    "sidecar_version",
    "user_id",
    "uploaded_at",
    "dated_by",
    "label",
]


def withdraw(tables: ParquetTables, day: date, uri: SourceUri, sha256: str | None) -> None:
    """Take a file out of the manifests of its day, and have no scan register it again; doing it twice changes nothing.

    The ledger keeps the path, by which a later scan knows that it was erased, and nothing else. What has come to lie
    under the same path since, and has other bytes, is another photo and stays registered.
    """
    is_it = (pl.col("source_uri") == uri) & pl.col("version").ne_missing(pl.lit(_successor(tables.store, uri, sha256)))
    is_it = is_it.fill_null(value=False)
    for info in list(tables.store.list(object_keys.manifest_prefix(day))):
        with suppress(ObjectNotFoundError):
            if tables.scan_files([info.key], ["source_uri"], is_it).height:
                tables.remove_rows(info.key, is_it)
    for key in _shards(tables, uri, is_it):
        _mark(tables, key, is_it)


def _successor(store: ObjectStore, uri: SourceUri, sha256: str | None) -> str | None:
    """The version of what lies there by now, if that is another photo; None as well where nobody can look."""
    key = object_keys.key_of(uri)
    try:
        version = store.version(key)
        digest = hashlib.sha256(store.read(key)).hexdigest()
    except (StorageError, ConfigurationError):
        return None
    return version if sha256 and digest != sha256 else None


def kept_at(store: ObjectStore, uri: SourceUri) -> tuple[str, str]:
    """Where the original lies outside the lake, and what that means, in words."""
    place = object_keys.place_of(object_keys.key_of(uri))
    source = read_sources(store).get(place[0]) if place else None
    where = f"the source {source.uri}" if source else "a source that is no longer known"
    return where, "the original, which the lake only reads: remove it there"


def _shards(tables: ParquetTables, uri: SourceUri, is_it: pl.Expr) -> Iterator[ObjectKey]:
    place = object_keys.place_of(object_keys.key_of(uri))
    if place is None:
        return
    is_there = pl.col("path") == quote(os.fsencode(place[1]))
    for key in tables.files(f"{SOURCE_ENTRIES.name}/{place[0]}"):
        if tables.scan_files([key], ["path"], is_there & is_it).height:
            yield key


def _mark(tables: ParquetTables, key: ObjectKey, is_it: pl.Expr) -> None:
    def attempt() -> None:
        version = tables.store.version(key)
        rows = tables.scan_files([key])
        marked = rows.with_columns(
            kind=pl.when(is_it).then(pl.lit(ERASED, rows.schema["kind"])).otherwise(pl.col("kind")),
            size_bytes=pl.when(is_it).then(0).otherwise(pl.col("size_bytes")),
            **{name: pl.when(is_it).then(None).otherwise(pl.col(name)) for name in _FORGOTTEN},
        )
        tables.write_file(key, SOURCE_ENTRIES, None, [marked.cast(rows.schema)], over=version)

    until_first(attempt)
