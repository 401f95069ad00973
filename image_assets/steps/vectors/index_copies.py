"""Files of vectors on this machine: where they lie, or copies that are made once, because they never change."""

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import uuid4

from image_assets.errors import DamagedIndexError, ObjectForbiddenError, ObjectNotFoundError
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.steps.vectors.index_manifest import VECTORS, IndexManifest, IndexShard, shard_key, way_out

_CACHE: Final = Path.home() / ".cache" / "image_assets" / "index"
_OPENED_WITHIN_S: Final = 600
"""Copies that the index has no more are left to others, who may be about to open them, for as long."""


def local_files(store: ObjectStore, manifest: IndexManifest) -> Sequence[Path]:
    """The file of vectors of each shard, in the order of the shards.

    Raises:
        DamagedIndexError: one is gone, or is not as large as it was written.
    """
    uris = [store.uri(shard_key(manifest.encoder, shard.name, VECTORS)) for shard in manifest.shards]
    try:
        paths = [*map(Path, uris)] if not any("://" in uri for uri in uris) else _copies(store, manifest)
        sizes = [path.stat().st_size for path in paths]
    except (ObjectNotFoundError, ObjectForbiddenError, FileNotFoundError) as error:
        told = f"the index of {manifest.encoder} is damaged: {error}; {way_out(manifest.encoder)}"
        raise DamagedIndexError(told) from error
    for shard, path, size in zip(manifest.shards, paths, sizes, strict=True):
        if size != shard.size_bytes:
            told = f"the index of {manifest.encoder} is damaged: {path} has {size} bytes, not {shard.size_bytes}"
            raise DamagedIndexError(f"{told}; {way_out(manifest.encoder)}")
    return paths


def _copies(store: ObjectStore, manifest: IndexManifest) -> Sequence[Path]:
    """One each; those of shards that have left go."""
    whose = store.uri(object_keys.index_prefix(manifest.encoder))
    folder = _CACHE / hashlib.sha256(whose.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    paths = [_copy(store, manifest, shard, folder) for shard in manifest.shards]
    for other in {*folder.iterdir()} - {*paths}:
        _forget(other)
    return paths


def _copy(store: ObjectStore, manifest: IndexManifest, shard: IndexShard, folder: Path) -> Path:
    path = folder / shard.name
    if not path.is_file():
        staged = folder / f".{uuid4().hex}"
        try:
            store.fetch(shard_key(manifest.encoder, shard.name, VECTORS), staged)
            staged.replace(path)
        finally:
            staged.unlink(missing_ok=True)
    return path


def _forget(path: Path) -> None:
    try:
        is_old = time.time() - path.stat().st_mtime > _OPENED_WITHIN_S
    except FileNotFoundError:
        return
    if is_old:
        path.unlink(missing_ok=True)
