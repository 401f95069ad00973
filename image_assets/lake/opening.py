"""Opens the lake: the one place that knows which stores lie behind its tables."""

from dataclasses import dataclass
from functools import partial

from image_assets.errors import ConfigurationError
from image_assets.lake import object_keys
from image_assets.lake.lake_mark import LakeGuard
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.remote.address import LakeRoot, RemoteRoot, parse_root
from image_assets.lake.remote.glance import Glance
from image_assets.lake.remote.params import StorageParams
from image_assets.lake.sources.folder import SourceFolder
from image_assets.lake.sources.place import SourcePlace
from image_assets.lake.sources.sourced_object_store import SourcedObjectStore
from image_assets.lake.tiered_object_store import TieredObjectStore


@dataclass(frozen=True, slots=True)
class LakeParams:
    """Where the lake is and what it keeps.

    Attributes:
        root: its folder, or its prefix in a container of a cloud.
        archive_root: where old originals move to; None for no archive.
        history_keep: tables of former recipes that are kept per table and day.
        storage: how a cloud is asked.
    """

    root: LakeRoot
    archive_root: LakeRoot | None = None
    history_keep: int = 1
    storage: StorageParams = StorageParams()


def open_tables(params: LakeParams, guard: LakeGuard | None = None, glance: Glance | None = None) -> ParquetTables:
    """The lake's tables; its objects are behind `tables.store`."""
    return ParquetTables(open_store(params, guard, glance), params.history_keep)


def open_store(params: LakeParams, guard: LakeGuard | None = None, glance: Glance | None = None) -> ObjectStore:
    """The lake's objects; with a guard that begins with them, which changes them as long as it is the same lake.

    A cloud is asked once in a moment with a glance.

    Raises:
        ConfigurationError: originals were archived, and no archive is named; or a cloud is, and its client is not here.
    """
    hot = _store_at(params.root, params.storage, guard, glance)
    sourced = SourcedObjectStore(hot, partial(open_place, storage=params.storage))
    if params.archive_root:
        return TieredObjectStore(sourced, _store_at(params.archive_root, params.storage))
    if hot.exists(object_keys.ARCHIVE_MARK):
        raise ConfigurationError(f"originals of {params.root} were archived: set IMAGE_ASSETS_ARCHIVE_ROOT")
    return sourced


def open_place(uri: str, storage: StorageParams) -> SourcePlace:
    """The place of a source; `ConfigurationError` when that is a cloud, and its client is not here."""
    root = parse_root(uri)
    if not isinstance(root, RemoteRoot):
        return SourceFolder(root)
    try:
        from image_assets.lake.sources.prefix import SourcePrefix
    except ModuleNotFoundError as error:
        raise ConfigurationError(f'a source at {root} needs: pip install "image-assets[cloud]"') from error
    return SourcePrefix(root, storage)


def _store_at(
    root: LakeRoot, storage: StorageParams, guard: LakeGuard | None = None, glance: Glance | None = None
) -> ObjectStore:
    told = {"check": guard.check} if guard else {}
    if not isinstance(root, RemoteRoot):
        return LocalObjectStore(root, **told)
    try:
        from image_assets.lake.remote.remote_object_store import RemoteObjectStore
    except ModuleNotFoundError as error:
        raise ConfigurationError(f'a lake at {root} needs: pip install "image-assets[cloud]"') from error
    return RemoteObjectStore(root, storage, glance=glance, **told)
