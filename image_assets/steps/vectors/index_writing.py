"""Putting vectors into new shards, each of which is in force as soon as it is complete."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import polars as pl

from image_assets.errors import ObjectChangedError
from image_assets.search.vector_index import VectorIndex
from image_assets.steps.vectors.index_changes import day_changes, ghost_keys
from image_assets.steps.vectors.index_manifest import IndexManifest, IndexShard, put_in_force
from image_assets.steps.vectors.index_store import (
    MEMBER_COLUMNS,
    damaged_shards,
    members_of,
    withdraw_shards,
    write_shard,
)
from image_assets.steps.vectors.stored_vectors import StoredVectors


class MakesIndex(Protocol):
    """Where the vectors of a shard go."""

    def __call__(self) -> VectorIndex:
        """An index without vectors."""
        ...


@dataclass(frozen=True, slots=True)
class IndexWriter:
    """Changes an index, one complete step after the other.

    Attributes:
        vectors: of the encoder.
        versions: of the days' files, before their vectors were looked at.
        make: an index for each shard.
        largest: how many vectors a shard may have.
    """

    vectors: StoredVectors
    versions: Mapping[str, str]
    make: MakesIndex
    largest: int

    def write(self, manifest: IndexManifest, version: str | None, images: pl.DataFrame) -> IndexManifest:
        """Put the images (`image_id`, `day`) in beside what the manifest has, and return what is in force then.

        Raises:
            ObjectChangedError: another process has changed the index, or what is in it, meanwhile.
        """
        images = images.sort("day", "image_id")
        for start in range(0, max(1, images.height), self.largest):
            some = images.slice(start, self.largest)
            waiting = {str(day) for day in images.slice(start + self.largest).get_column("day").unique()}
            days = {day: found for day, found in self.versions.items() if day not in waiting}
            manifest, version = self._put_in(replace(manifest, days=days), version, some)
        return manifest

    def _put_in(self, manifest: IndexManifest, version: str | None, images: pl.DataFrame) -> tuple[IndexManifest, str]:
        """One shard of all of them, in force, and the version of the manifest that says so."""
        store, shards = self.vectors.tables.store, self._shards(manifest.encoder, manifest.next_key, images)
        next_key = manifest.next_key + sum(shard.vectors for shard, _ in shards)
        after = replace(manifest.with_shards([*manifest.shards, *(shard for shard, _ in shards)]), next_key=next_key)
        try:
            for _, members in shards:
                self._refuse_vanished(members)
            version = put_in_force(store, after, version)
            if damaged_shards(store, after):
                raise ObjectChangedError(f"files of the index of {after.encoder} have gone meanwhile")
        except ObjectChangedError:
            withdraw_shards(store, after.encoder, [shard for shard, _ in shards])
            raise
        return after, version

    def _shards(self, encoder: str, first_key: int, images: pl.DataFrame) -> list[tuple[IndexShard, pl.DataFrame]]:
        """One and its members, or none when none of the images has a vector any more."""
        index, members, next_key = self.make(), [pl.DataFrame(schema=MEMBER_COLUMNS)], first_key
        for rows in self.vectors.read(images):
            members.append(members_of(rows, next_key))
            keys = members[-1].get_column("key").to_numpy()
            index.add(keys, rows.get_column("embedding").to_numpy())
            next_key += rows.height
        if next_key == first_key:
            return []
        every = pl.concat(members)
        return [(write_shard(self.vectors.tables.store, encoder, index, every), every)]

    def _refuse_vanished(self, members: pl.DataFrame) -> None:
        """What was erased since it was read must not come back: whoever erases looks for it after its row has gone."""
        changes = day_changes(self.vectors, self.versions, members, self.vectors.versions)
        if ghost_keys(changes).size:
            raise ObjectChangedError(f"vectors of {changes[0].day} were replaced while they were put into the index")
