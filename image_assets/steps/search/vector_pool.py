"""The pool that is searched: the index, and beside it every vector that is newer than the index.

A day's images are therefore found from the moment its embeddings are committed, whether or not there is an index.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from image_assets.errors import AmbiguousImageError, ObjectChangedError, SearchError
from image_assets.ids import ImageId
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.search.exact_index import ExactIndex
from image_assets.search.usearch_index import UsearchParams
from image_assets.search.vector_index import Keys, Vectors
from image_assets.steps.vectors.index_changes import day_changes, fits, ghost_keys, missing_images
from image_assets.steps.vectors.index_store import (
    IndexManifest,
    StoredIndex,
    empty_index,
    members_of,
    open_index,
    way_out,
)
from image_assets.steps.vectors.stored_vectors import StoredVectors, vectors_of

_DECIMALS: Final = 4
"""Of a score; behind them one sees whether a vector came from the index, in half precision, or from its table."""

HELD_BYTES: Final = 2**28
"""Of new vectors in memory: 87,000 of 768 numbers."""


@dataclass(frozen=True, slots=True)
class SearchedPart:
    """Vectors that are searched together, the images behind their keys, and keys that stand for no image any more."""

    vectors: StoredIndex
    ghosts: Keys

    def nearest(
        self, query: Vectors, count: int, among: pl.Series | None, without: pl.Series | None
    ) -> Iterator[tuple[ImageId, float]]:
        """See `VectorPool.nearest`; in no order."""
        members = self.vectors.members
        if members.height:
            forbidden = np.union1d(self.ghosts, self._keys_of(without))
            allowed = None if among is None else self._keys_of(among)
            found = self.vectors.index.search(query, count, among=allowed, without=forbidden)
            places = members.get_column("key").search_sorted(pl.Series(found.keys))
            yield from zip(members.get_column("image_id").gather(places), found.scores.tolist(), strict=True)

    def _keys_of(self, ids: pl.Series | None) -> Keys:
        if ids is None or ids.is_empty():
            return np.empty(0, np.uint64)
        members = self.vectors.members
        return members.filter(pl.col("image_id").is_in(ids.implode())).get_column("key").to_numpy()


@dataclass(frozen=True, slots=True)
class VectorPool:
    """Every current vector of an encoder.

    New ones are held in memory, up to `HELD_BYTES`; in a lake without an index the rest, which may be millions, is
    read at every question, a bounded number at a time.

    Attributes:
        stored: the table of the vectors.
        encoder: whose vectors.
        images: `image_id` and `day` of everything that can be found.
        opened: the index, if there is one, and new vectors.
        unopened: `image_id` and `day` of what is read at every question.
    """

    stored: StoredVectors
    encoder: EncoderDescription
    images: pl.DataFrame
    opened: Sequence[SearchedPart]
    unopened: pl.DataFrame

    def nearest(
        self, query: Vectors, count: int, among: pl.Series | None = None, without: pl.Series | None = None
    ) -> dict[ImageId, float]:
        """Cosines of the `count` nearest images, best first; equal ones are in the order of their ids.

        Args:
            query: one unit vector, 1 x dimension.
            count: at least 1.
            among: the only ids that may be found.
            without: ids that may not be found.
        """
        found = [
            (image_id, round(score, _DECIMALS))
            for part in self._parts(among)
            for image_id, score in part.nearest(query, count, among, without)
        ]
        return dict(sorted(found, key=lambda each: (-each[1], each[0]))[:count])

    def find_id(self, beginning: str, among: pl.Series | None = None) -> ImageId:
        """The one id, of some or of all, that begins like this.

        Raises:
            SearchError: there is none.
            AmbiguousImageError: there are several.
        """
        found = self.images.get_column("image_id")
        found = found.filter(found.str.starts_with(beginning))
        found = found if among is None else found.filter(found.is_in(among.implode()))
        if found.len() > 1:
            raise AmbiguousImageError(f"the ids of {found.len()} images begin with {beginning}: write more of it")
        if found.is_empty():
            raise SearchError(f"there is no image {beginning} with a vector of {self.encoder.name}")
        return ImageId(found[0])

    def vector_of(self, image_id: ImageId) -> Vectors:
        """The vector of an image of the pool, 1 x dimension."""
        rows = self.stored.read_whole(self.images.filter(pl.col("image_id") == image_id))
        if rows.is_empty():
            raise ObjectChangedError(f"the vector of {image_id} has gone meanwhile: search again")
        vector: Vectors = rows.get_column("embedding").to_numpy()
        return vector

    def _parts(self, among: pl.Series | None) -> Iterator[SearchedPart]:
        yield from self.opened
        images = self.unopened
        yield from _in_memory(
            self.stored, images if among is None else images.filter(pl.col("image_id").is_in(among.implode()))
        )


@dataclass(frozen=True, slots=True)
class Question:
    """A `Likeness`: what is near to a query in a pool, with what alone may be found and what may not."""

    pool: VectorPool
    query: Vectors
    among: pl.Series | None
    without: pl.Series | None

    def nearest(self, count: int, among: pl.Series | None = None) -> dict[ImageId, float]:
        """See `Likeness`."""
        return self.pool.nearest(self.query, count, self.among if among is None else among, self.without)


def open_pool(
    tables: ParquetTables,
    encoder: EncoderDescription,
    manifest: IndexManifest | None,
    params: UsearchParams,
    *,
    held_bytes: int = HELD_BYTES,
) -> VectorPool:
    """Open the index, if there is one, and read what it does not have yet: all, when it is of former weights.

    Raises:
        SearchError: the index is damaged, or of another dimension.
    """
    if manifest and manifest.dimension != encoder.dimension:
        found = f"the index of {encoder.name} has {manifest.dimension} dimensions, the encoder {encoder.dimension}"
        raise SearchError(f"{found}; {way_out(encoder.name)}")
    if manifest and fits(manifest, encoder):
        index, known = open_index(tables.store, manifest, params, to_change=False), manifest.days
    else:
        index, known = empty_index("exact", encoder.dimension, params), {}
    stored = vectors_of(tables, encoder)
    changes = day_changes(stored, known, index.members, stored.versions)
    indexed, new = SearchedPart(index, ghost_keys(changes)), missing_images(changes)
    held = held_bytes // (encoder.dimension * np.dtype(np.float32).itemsize)
    opened = [indexed, *_in_memory(stored, new.head(held))]
    return VectorPool(stored, encoder, _images(indexed, new), opened, new.slice(held))


def _in_memory(stored: StoredVectors, images: pl.DataFrame) -> Iterator[SearchedPart]:
    """Vectors of the table, to be compared one by one."""
    for rows in stored.read(images):
        vectors, members = rows.get_column("embedding").to_numpy(), members_of(rows, 0)
        index = ExactIndex.empty(vectors.shape[1])
        index.add(members.get_column("key").to_numpy(), vectors)
        yield SearchedPart(StoredIndex(index, members), np.empty(0, np.uint64))


def _images(indexed: SearchedPart, new: pl.DataFrame) -> pl.DataFrame:
    ghosts = pl.Series(indexed.ghosts, dtype=pl.UInt64)
    members = indexed.vectors.members.filter(~pl.col("key").is_in(ghosts.implode()))
    return pl.concat([members.select("image_id", "day"), new])
