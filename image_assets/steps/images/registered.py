"""A day's registered files, by its manifests: uploads that lie outside the lake and are read where they are."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from image_assets.errors import TableError
from image_assets.ids import SourceUri
from image_assets.lake import object_keys
from image_assets.lake.lots import WHOLE, Lot
from image_assets.lake.object_store import ObjectInfo, ObjectStore
from image_assets.lake.parquet_tables import ParquetTables

_COLUMNS = ["source_uri", "size_bytes", "version", "sidecar_version", "user_id", "uploaded_at", "label"]


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


def read_registered(store: ObjectStore, manifests: Iterable[ObjectInfo], lot: Lot = WHOLE) -> Iterator[RegisteredFile]:
    """The registered files of a day, or of a lot of it; of a file in several manifests the last word.

    Raises:
        TableError: a manifest is damaged.
    """
    found: dict[SourceUri, RegisteredFile] = {}
    for manifest in _in_order(manifests):
        for row in _rows(store, manifest, _COLUMNS):
            if lot.has(row[0]):
                found[row[0]] = RegisteredFile(manifest.arrived_at, *row)
    yield from found.values()


def count_registered(store: ObjectStore, manifests: Iterable[ObjectInfo]) -> int:
    """How many files of a day are registered."""
    return len({row[0] for manifest in _in_order(manifests) for row in _rows(store, manifest, _COLUMNS[:1])})


def _in_order(manifests: Iterable[ObjectInfo]) -> Sequence[ObjectInfo]:
    """In which they were written: scans are numbered."""
    return sorted((info for info in manifests if info.key.endswith(".parquet")), key=lambda info: info.key)


def _rows(store: ObjectStore, manifest: ObjectInfo, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    try:
        yield from ParquetTables(store).scan_files([manifest.key], columns).iter_rows()
    except TableError as error:
        told = f"{store.uri(manifest.key)} is damaged: delete it, and let image-assets migrate write it again"
        raise TableError(told, key=manifest.key) from error
