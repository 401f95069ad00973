"""Where a vector index lies: builds that are never changed, and a manifest that says which one is in force.

A build is written aside and the manifest replaced last, so a reader has the former index or the new one. The former
build stays for those who have just read the former manifest.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from uuid import uuid4

import polars as pl

from image_assets.errors import DamagedIndexError, SearchError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.records import read_record, write_record
from image_assets.search.exact_index import ExactIndex
from image_assets.search.usearch_index import UsearchIndex, UsearchParams
from image_assets.search.vector_index import VectorIndex

IndexKind = Literal["exact", "usearch", "pgvector"]

MEMBER_COLUMNS = pl.Schema({"key": pl.UInt64, "image_id": pl.String, "day": pl.Date, "input_version": pl.String})
"""What a key of the index stands for: an image, its day, and the input that its vector was computed from."""

_VECTORS, _MEMBERS, _MAP = "vectors", "members.parquet", "map.parquet"
_UNFINISHED_AFTER = timedelta(hours=1)
_CACHE = Path.home() / ".cache" / "image_assets" / "index"


@dataclass(frozen=True, slots=True)
class IndexManifest:
    """What is in an index.

    Attributes:
        encoder: whose vectors they are.
        revision: of the encoder's weights.
        recipe_version: of the embeddings; vectors of another recipe cannot be compared with these.
        dimension: numbers per vector.
        kind: how it is searched.
        build: folder of its files.
        former: folder of the build before it; empty for the first.
        vectors: how many there are.
        next_key: above every key ever given out.
        size_bytes: of the file of vectors.
        days: version of each day's file of embeddings, as it was read.
    """

    encoder: str
    revision: str
    recipe_version: str
    dimension: int
    kind: IndexKind
    build: str
    former: str
    vectors: int
    next_key: int
    size_bytes: int
    days: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StoredIndex:
    """An index and its members in the order of their keys.

    Attributes:
        index: the vectors.
        members: `MEMBER_COLUMNS`.
        is_live: whether others may put vectors into it that are no members.
    """

    index: VectorIndex
    members: pl.DataFrame
    is_live: bool = False


def read_manifest(store: ObjectStore, encoder: str) -> IndexManifest | None:
    """What the encoder's index holds; None when there is no index.

    Raises:
        DamagedIndexError: the manifest is damaged.
    """
    key = object_keys.index_manifest_key(encoder)
    if not store.exists(key):
        return None
    return read_record(store, key, IndexManifest, DamagedIndexError, way_out(encoder))


def empty_index(kind: IndexKind, dimension: int, params: UsearchParams) -> StoredIndex:
    """Without members."""
    index = ExactIndex.empty(dimension) if kind == "exact" else UsearchIndex.empty(dimension, params)
    return StoredIndex(index, pl.DataFrame(schema=MEMBER_COLUMNS))


def members_of(rows: pl.DataFrame, first_key: int) -> pl.DataFrame:
    """Members for rows of stored vectors, in their order, under keys of their own from the first one on."""
    return rows.with_row_index("key", first_key).select(list(MEMBER_COLUMNS)).cast(MEMBER_COLUMNS)


def open_index(store: ObjectStore, manifest: IndexManifest, params: UsearchParams, *, to_change: bool) -> StoredIndex:
    """The build in force; read in place unless it is `to_change`.

    Raises:
        DamagedIndexError: a file is gone, damaged, or not what the manifest says.
    """
    try:
        path = _local_file(store, manifest)
        members = read_members(store, manifest)
        index = _opened(path, manifest.kind, params, to_change=to_change)
    except (SearchError, OSError, pl.exceptions.PolarsError) as error:
        raise DamagedIndexError(
            f"the index of {manifest.encoder} is damaged: {error}; {way_out(manifest.encoder)}"
        ) from error
    if (index.dimension, len(index), members.height) != (manifest.dimension, manifest.vectors, manifest.vectors):
        raise DamagedIndexError(f"the index of {manifest.encoder} is not what it says; {way_out(manifest.encoder)}")
    return StoredIndex(index, members)


def read_members(store: ObjectStore, manifest: IndexManifest) -> pl.DataFrame:
    """`MEMBER_COLUMNS` of the build; `OSError` when they are gone."""
    return pl.read_parquet(store.uri(_key(manifest, _MEMBERS)), glob=False, **store.scan_options)


def map_key(manifest: IndexManifest) -> ObjectKey:
    """Where the map of the build lies, beside its vectors."""
    return _key(manifest, _MAP)


def write_build(store: ObjectStore, manifest: IndexManifest, stored: StoredIndex) -> int:
    """Write the files of a build that is not in force yet; returns the bytes of the file of vectors."""
    with store.writing(_key(manifest, _VECTORS)) as path:
        stored.index.save(path)
        size_bytes = path.stat().st_size
    with store.writing(_key(manifest, _MEMBERS)) as path:
        stored.members.write_parquet(path)
    return size_bytes


def put_in_force(store: ObjectStore, manifest: IndexManifest) -> None:
    """Replace the manifest, then delete what neither it nor the former one needs and nobody is still writing."""
    write_record(store, object_keys.index_manifest_key(manifest.encoder), manifest)
    folder = object_keys.index_prefix(manifest.encoder)
    needed = tuple(f"{folder}/{name}" for name in ("current.json", f"{manifest.build}/", f"{manifest.former}/"))
    for info in list(store.list(folder)):
        is_old = datetime.now(UTC) - info.modified_at > _UNFINISHED_AFTER
        if is_old and not info.key.startswith(needed):
            store.delete(info.key)


def way_out(encoder: str) -> str:
    """What to do about an index that cannot be used."""
    return f"materialize vector_index, or delete {object_keys.index_prefix(encoder)}: it is made anew from the vectors"


def _opened(path: Path, kind: IndexKind, params: UsearchParams, *, to_change: bool) -> VectorIndex:
    if kind == "exact":
        return ExactIndex.open(path)
    return UsearchIndex.load(path, params) if to_change else UsearchIndex.open(path, params)


def _key(manifest: IndexManifest, name: str) -> ObjectKey:
    return object_keys.index_file_key(manifest.encoder, manifest.build, name)


def _local_file(store: ObjectStore, manifest: IndexManifest) -> Path:
    """The file of vectors where it lies, or its copy on this machine when it lies elsewhere."""
    uri = store.uri(_key(manifest, _VECTORS))
    path = _copy_here(store, manifest) if "://" in uri else Path(uri)
    if path.stat().st_size != manifest.size_bytes:
        raise DamagedIndexError(f"{path} has {path.stat().st_size} bytes, not {manifest.size_bytes}")
    return path


def _copy_here(store: ObjectStore, manifest: IndexManifest) -> Path:
    """Builds never change, so a copy is made once; those of other builds have had their time."""
    whose = store.uri(object_keys.index_prefix(manifest.encoder))
    folder = _CACHE / hashlib.sha256(whose.encode()).hexdigest()[:16]
    path = folder / manifest.build
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        staged = folder / f".{uuid4().hex}"
        store.fetch(_key(manifest, _VECTORS), staged)
        staged.replace(path)
        for other in set(folder.iterdir()) - {path}:
            other.unlink(missing_ok=True)
    return path
