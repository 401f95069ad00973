"""Taking files away from an index that readers use and others write to at the same time."""

from collections.abc import Iterable
from functools import partial

from image_assets.errors import DamagedIndexError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.optimism import until_first
from image_assets.steps.vectors.index_manifest import put_in_force, read_manifest


def forget_files(store: ObjectStore, keys: Iterable[ObjectKey]) -> None:
    """Take the shards of these files out of force, so that the files can be deleted; other keys are passed over.

    Whoever puts a shard into force at the same time does it again, even one that nobody had in force yet.
    """
    folders: dict[str, set[str]] = {}
    for key in keys:
        if key.startswith(f"{object_keys.INDEX}/"):
            encoder, folder = key.removeprefix(f"{object_keys.INDEX}/").split("/")[:2]
            folders.setdefault(encoder, set()).add(folder)
    for encoder, names in folders.items():
        until_first(partial(_forget, store, encoder, names))


def _forget(store: ObjectStore, encoder: str, names: set[str]) -> None:
    key = object_keys.index_manifest_key(encoder)
    version = store.version(key)
    try:
        manifest = read_manifest(store, encoder)
    except DamagedIndexError:
        manifest = None
    after = manifest.dropping(names) if manifest else None
    if after and after.shards:
        put_in_force(store, after, version)
    elif version is not None:
        # An index without vectors is none.
        store.delete(key, over=version)
