"""Opens the lake: the one place that knows which stores lie behind its tables."""

from dataclasses import dataclass
from pathlib import Path

from image_assets.errors import ConfigurationError
from image_assets.lake import object_keys
from image_assets.lake.lake_mark import LakeGuard
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.tiered_object_store import TieredObjectStore


@dataclass(frozen=True, slots=True)
class LakeParams:
    """Where the lake is and what it keeps.

    Attributes:
        root: its folder.
        archive_root: folder to which old originals move; None for no archive.
        history_keep: tables of former recipes that are kept per table and day.
    """

    root: Path
    archive_root: Path | None = None
    history_keep: int = 1


def open_tables(params: LakeParams, guard: LakeGuard | None = None) -> ParquetTables:
    """The lake's tables; its objects are behind `tables.store`."""
    return ParquetTables(open_store(params, guard), params.history_keep)


def open_store(params: LakeParams, guard: LakeGuard | None = None) -> ObjectStore:
    """The lake's objects; with a guard that begins with them, which changes them as long as it is the same lake.

    Raises:
        ConfigurationError: originals were archived, and no archive is named.
    """
    hot = LocalObjectStore(params.root, check=guard.check) if guard else LocalObjectStore(params.root)
    if params.archive_root:
        return TieredObjectStore(hot, LocalObjectStore(params.archive_root))
    if hot.exists(object_keys.ARCHIVE_MARK):
        raise ConfigurationError(f"originals of {params.root} were archived: set IMAGE_ASSETS_ARCHIVE_ROOT")
    return hot
