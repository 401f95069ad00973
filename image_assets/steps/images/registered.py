"""A day's registered files, by its manifests: uploads that lie outside the lake and are read where they are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from image_assets.errors import TableError
from image_assets.ids import SourceUri
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectInfo, ObjectStore
from image_assets.lake.parquet_tables import ParquetTables

_INSTANT = pl.Datetime("us", "UTC")
_FILE = pl.Schema(
    {
        "registered_at": _INSTANT,
        "source_uri": pl.String(),
        "size_bytes": pl.Int64(),
        "version": pl.String(),
        "sidecar_version": pl.String(),
        "user_id": pl.String(),
        "uploaded_at": _INSTANT,
        "label": pl.String(),
    }
)
_COLUMNS = _FILE.names()[1:]


@dataclass(frozen=True, slots=True)
class RegisteredFile:
    """A line of a manifest: columns of `source_entries`, and when the manifest was written."""

    registered_at: datetime
    source_uri: SourceUri
    size_bytes: int
    version: str
    sidecar_version: str | None
    user_id: str | None
    uploaded_at: datetime
    label: str | None


def is_manifest(info: ObjectInfo, day: date) -> bool:
    """Whether what lies in a day's landing zone is no upload, but says which files were registered for the day."""
    return info.key.startswith(f"{object_keys.manifest_prefix(day)}/")


def read_registered(store: ObjectStore, manifests: Iterable[ObjectInfo]) -> pl.DataFrame:
    """The registered files of a day, with the fields of `RegisteredFile`; of one in several manifests the last word.

    Raises:
        TableError: a manifest is damaged.
    """
    parts = [_FILE.to_frame()]
    for manifest in _in_order(manifests):
        at = pl.lit(manifest.arrived_at).cast(_FILE["registered_at"]).alias("registered_at")
        parts.append(_rows(store, manifest, _COLUMNS).select(at, *_COLUMNS).cast(_FILE))
    return pl.concat(parts).unique("source_uri", keep="last", maintain_order=True)


def count_registered(store: ObjectStore, manifests: Iterable[ObjectInfo]) -> int:
    """How many files of a day are registered."""
    return len({row[0] for each in _in_order(manifests) for row in _rows(store, each, _COLUMNS[:1]).iter_rows()})


def _in_order(manifests: Iterable[ObjectInfo]) -> Sequence[ObjectInfo]:
    """In which they were written: scans are numbered."""
    return sorted((info for info in manifests if info.key.endswith(".parquet")), key=lambda info: info.key)


def _rows(store: ObjectStore, manifest: ObjectInfo, columns: Sequence[str]) -> pl.DataFrame:
    try:
        return ParquetTables(store).scan_files([manifest.key], columns)
    except TableError as error:
        told = f"{store.uri(manifest.key)} is damaged: delete it, and let image-assets migrate write it again"
        raise TableError(told, key=manifest.key) from error
