"""What is in a vector index: shards that are never changed, and which of their vectors stand for nothing any more.

One record says it for all of them. It is replaced over the version that was read, so of two who change an index at once
one does it again, and a reader has the former index or the new one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, Self
from uuid import uuid4

import numpy as np

from image_assets.errors import DamagedIndexError, ObjectChangedError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.records import read_record, write_record
from image_assets.search.vector_index import Keys

IndexKind = Literal["exact", "usearch", "pgvector"]

VECTORS: Final = "vectors"
MEMBERS: Final = "members.parquet"

KEPT_FOR: Final = timedelta(hours=1)
"""What is not in force any more, or not yet, is left alone for as long."""


@dataclass(frozen=True, slots=True)
class IndexShard:
    """Vectors in files of their own, under keys that follow each other.

    Attributes:
        name: folder of its files.
        first_key: of its vectors; no other shard ever had it.
        vectors: how many there are.
        removed: sorted keys of those that stand for no image any more.
        size_bytes: of the file of vectors.
        member_bytes: of the file that says what they stand for.
        days: whose images they are or were.
    """

    name: str
    first_key: int
    vectors: int
    removed: tuple[int, ...]
    size_bytes: int
    member_bytes: int
    days: tuple[str, ...]

    @property
    def current(self) -> int:
        """How many vectors stand for an image."""
        return self.vectors - len(self.removed)

    def without(self, keys: Keys) -> Self:
        """The same with those of the keys removed that are its own."""
        own = keys[(keys >= self.first_key) & (keys < self.first_key + self.vectors)]
        if not own.size:
            return self
        return replace(self, removed=tuple(np.union1d(np.array(self.removed, np.uint64), own).tolist()))


@dataclass(frozen=True, slots=True)
class IndexManifest:
    """What is in an index.

    Attributes:
        encoder: whose vectors they are.
        revision: of the encoder's weights.
        recipe_version: of the embeddings; vectors of another recipe cannot be compared with these.
        dimension: numbers per vector.
        kind: how it is searched.
        build: another one whenever other vectors are in force.
        vectors: how many stand for an image.
        next_key: above every key ever given out.
        size_bytes: of all files of vectors.
        days: version of each day's file of embeddings, as it was read; a day that is not there is not all in.
        shards: where the vectors lie.
        retired: when shards and maps left that are there still for those who have just read a former manifest.
    """

    encoder: str
    revision: str
    recipe_version: str
    dimension: int
    kind: IndexKind
    build: str
    vectors: int
    next_key: int
    size_bytes: int
    days: Mapping[str, str]
    shards: tuple[IndexShard, ...] = ()
    retired: Mapping[str, datetime] = field(default_factory=dict)

    def with_shards(self, shards: Sequence[IndexShard]) -> Self:
        """The same with other shards in force."""
        kept, now = [shard.name for shard in shards], datetime.now(UTC)
        gone = {self.build, *(shard.name for shard in self.shards)} - {"", *kept}
        still = {name: left for name, left in self.retired.items() if now - left < KEPT_FOR}
        return replace(
            self,
            build=uuid4().hex,
            vectors=sum(shard.current for shard in shards),
            size_bytes=sum(shard.size_bytes for shard in shards),
            shards=tuple(shards),
            retired={**still, **dict.fromkeys(sorted(gone), now)},
        )

    def dropping(self, names: Collection[str]) -> Self:
        """Without some shards; of their days it does not say any more that all is in."""
        kept = [shard for shard in self.shards if shard.name not in names]
        days = {day for shard in self.shards if shard.name in names for day in shard.days}
        return replace(
            self.with_shards(kept), days={day: version for day, version in self.days.items() if day not in days}
        )


def read_manifest(store: ObjectStore, encoder: str) -> IndexManifest | None:
    """What the encoder's index holds; None when there is no index.

    Raises:
        DamagedIndexError: the manifest is damaged.
    """
    key = object_keys.index_manifest_key(encoder)
    if not store.exists(key):
        return None
    return read_record(store, key, IndexManifest, DamagedIndexError, way_out(encoder))


def put_in_force(store: ObjectStore, manifest: IndexManifest, over: str | None) -> str:
    """Replace the manifest of this version, and return the version that it has now.

    Raises:
        ObjectChangedError: another process was first, or has replaced this one already.
    """
    key = object_keys.index_manifest_key(manifest.encoder)
    write_record(store, key, manifest, over=over)
    version, found = store.version(key), read_manifest(store, manifest.encoder)
    if version is None or found is None or found.build != manifest.build:
        raise ObjectChangedError(f"another process replaced {key!r} meanwhile: run it again", key=key)
    return version


def shard_key(encoder: str, shard: str, name: str) -> ObjectKey:
    """One of a shard's files."""
    return object_keys.index_file_key(encoder, shard, name)


def map_key(manifest: IndexManifest) -> ObjectKey:
    """Where the map of what is in force lies."""
    return object_keys.index_file_key(manifest.encoder, manifest.build, "map.parquet")


def way_out(encoder: str) -> str:
    """What to do about an index that cannot be used."""
    return f"materialize vector_index, or delete {object_keys.index_prefix(encoder)}: it is made anew from the vectors"
