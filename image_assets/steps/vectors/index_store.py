"""The files of an index: each shard has one of vectors and one of members, which are written once and never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

import numpy as np
import polars as pl

from image_assets.errors import DamagedIndexError, ObjectNotFoundError, SearchError, TableError
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.search.exact_index import ExactIndex
from image_assets.search.usearch_index import UsearchIndex, UsearchParams
from image_assets.search.vector_index import Neighbours, VectorIndex, Vectors, best_of
from image_assets.steps.vectors.index_copies import local_files
from image_assets.steps.vectors.index_manifest import (
    KEPT_FOR,
    MEMBERS,
    VECTORS,
    IndexKind,
    IndexManifest,
    IndexShard,
    read_manifest,
    shard_key,
    way_out,
)

MEMBER_COLUMNS: Final = pl.Schema({"key": pl.UInt64, "image_id": pl.String, "day": pl.Date, "input_version": pl.String})
"""What a key of the index stands for: an image, its day, and the input that its vector was computed from."""


@dataclass(frozen=True, slots=True)
class StoredIndex:
    """Vectors that are searched together, and their members in the order of their keys.

    Attributes:
        index: the vectors.
        members: `MEMBER_COLUMNS`.
        has_others: whether there may be vectors in it that are no members.
    """

    index: VectorIndex
    members: pl.DataFrame
    has_others: bool = False


def empty_index(kind: IndexKind, dimension: int, params: UsearchParams) -> VectorIndex:
    """Without vectors."""
    return ExactIndex.empty(dimension) if kind == "exact" else UsearchIndex.empty(dimension, params)


def members_of(rows: pl.DataFrame, first_key: int) -> pl.DataFrame:
    """Members for rows of stored vectors, in their order, under keys of their own from the first one on."""
    return rows.with_row_index("key", first_key).select(list(MEMBER_COLUMNS)).cast(MEMBER_COLUMNS)


def write_shard(store: ObjectStore, encoder: str, index: VectorIndex, members: pl.DataFrame) -> IndexShard:
    """Write the files of a shard that is not in force yet."""
    name = uuid4().hex
    with store.writing(shard_key(encoder, name, VECTORS)) as path:
        index.save(path)
        size_bytes = path.stat().st_size
    with store.writing(shard_key(encoder, name, MEMBERS)) as path:
        members.write_parquet(path)
        member_bytes = path.stat().st_size
    return IndexShard(
        name=name,
        first_key=int(members.get_column("key")[0]),
        vectors=members.height,
        removed=(),
        size_bytes=size_bytes,
        member_bytes=member_bytes,
        days=tuple(members.get_column("day").unique().sort().cast(pl.String)),
    )


def withdraw_shards(store: ObjectStore, encoder: str, shards: Sequence[IndexShard]) -> None:
    """Delete the files of shards that have not come into force: what was erased meanwhile may be in them."""
    manifest = read_manifest(store, encoder)
    in_force = {shard.name for shard in manifest.shards} if manifest else set()
    for shard in shards:
        if shard.name not in in_force:
            for name in (VECTORS, MEMBERS):
                store.delete(shard_key(encoder, shard.name, name))


def open_shards(tables: ParquetTables, manifest: IndexManifest, params: UsearchParams) -> list[StoredIndex]:
    """What is in force, read in place.

    Raises:
        DamagedIndexError: a file is gone, damaged, or not what the manifest says.
    """
    paths = local_files(tables.store, manifest)
    return [_opened(tables, manifest, shard, path, params) for shard, path in zip(manifest.shards, paths, strict=True)]


def search_shards(shards: Sequence[StoredIndex], query: Vectors, count: int) -> Neighbours:
    """The `count` nearest members of all of them."""
    none = Neighbours(np.empty(0, np.uint64), np.empty(0, np.float32))
    found = [none]
    for shard in shards:
        among = shard.members.get_column("key").to_numpy() if shard.has_others else None
        found.append(shard.index.search(query, count, among))
    keys, scores = (np.concatenate([getattr(each, name) for each in found]) for name in ("keys", "scores"))
    return best_of(keys, scores, count)


def read_members(tables: ParquetTables, manifest: IndexManifest, shard: IndexShard) -> pl.DataFrame:
    """`MEMBER_COLUMNS` of a shard, without what was removed.

    Raises:
        DamagedIndexError: they are gone or damaged.
    """
    is_removed = pl.col("key").is_in(pl.Series(shard.removed, dtype=pl.UInt64).implode())
    try:
        rows = tables.scan_files([shard_key(manifest.encoder, shard.name, MEMBERS)], list(MEMBER_COLUMNS), ~is_removed)
    except (TableError, ObjectNotFoundError) as error:
        raise _damaged(manifest, error) from error
    return rows.sort("key")


def all_members(tables: ParquetTables, manifest: IndexManifest) -> pl.DataFrame:
    """`MEMBER_COLUMNS` of everything in force; raises as `read_members`."""
    parts = [read_members(tables, manifest, shard) for shard in manifest.shards]
    return pl.concat([pl.DataFrame(schema=MEMBER_COLUMNS), *parts])


def damaged_shards(store: ObjectStore, manifest: IndexManifest) -> list[str]:
    """Shards of which a file is gone, or is not as large as it was written."""
    wanted = {
        shard_key(manifest.encoder, shard.name, name): size
        for shard in manifest.shards
        for name, size in ((VECTORS, shard.size_bytes), (MEMBERS, shard.member_bytes))
    }
    found = store.sizes(wanted)
    return sorted({key.rsplit("/", 2)[1] for key, size in wanted.items() if found.get(key) != size})


def sweep_index(store: ObjectStore, encoder: str, manifest: IndexManifest | None) -> None:
    """Delete what is not in force, unless somebody may be reading or writing it still."""
    folder, now = object_keys.index_prefix(encoder), datetime.now(UTC)
    needed = {object_keys.index_manifest_key(encoder)}
    folders = _needed_folders(manifest, now) if manifest else set()
    for info in list(store.list(folder)):
        is_needed = info.key in needed or info.key.removeprefix(f"{folder}/").split("/")[0] in folders
        if not is_needed and now - info.modified_at > KEPT_FOR:
            store.delete(info.key)


def _needed_folders(manifest: IndexManifest, now: datetime) -> set[str]:
    retired = (name for name, left in manifest.retired.items() if now - left < KEPT_FOR)
    return {manifest.build, *(shard.name for shard in manifest.shards), *retired}


def _opened(
    tables: ParquetTables, manifest: IndexManifest, shard: IndexShard, path: Path, params: UsearchParams
) -> StoredIndex:
    members = read_members(tables, manifest, shard)
    params = params.for_share(shard.current / max(1, manifest.vectors))
    try:
        index = ExactIndex.open(path) if manifest.kind == "exact" else UsearchIndex.open(path, params)
    except (SearchError, OSError) as error:
        raise _damaged(manifest, error) from error
    if (index.dimension, len(index), members.height) != (manifest.dimension, shard.vectors, shard.current):
        raise DamagedIndexError(f"the index of {manifest.encoder} is not what it says; {way_out(manifest.encoder)}")
    return StoredIndex(index, members, has_others=bool(shard.removed))


def _damaged(manifest: IndexManifest, error: Exception) -> DamagedIndexError:
    return DamagedIndexError(f"the index of {manifest.encoder} is damaged: {error}; {way_out(manifest.encoder)}")
