"""The pool that is searched: the index, and beside it every vector that is newer than the index.

A day's images are therefore found from the moment its embeddings are committed, whether or not there is an index.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from image_assets.errors import AmbiguousImageError, ObjectChangedError, SearchError
from image_assets.ids import ImageId
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.search.exact_index import ExactIndex
from image_assets.search.vector_index import Keys, Vectors, is_in
from image_assets.steps.vectors.index_changes import day_changes, fits, ghost_keys, missing_images
from image_assets.steps.vectors.index_manifest import IndexManifest, way_out
from image_assets.steps.vectors.index_source import IndexSource
from image_assets.steps.vectors.index_store import MEMBER_COLUMNS, StoredIndex, members_of
from image_assets.steps.vectors.stored_vectors import StoredVectors, vectors_of

_DECIMALS: Final = 4
"""Of a score; behind them one sees whether a vector came from the index, in half precision, or from its table."""

HELD_BYTES: Final = 2**28
"""Of new vectors in memory: 87,000 of 768 numbers."""


Mask: TypeAlias = npt.NDArray[np.bool_]
"""Of places in a pool: which images may be found."""


class Neighbour(NamedTuple):
    """An image that was found.

    Attributes:
        image_id: which image.
        score: cosine similarity, -1 to 1.
        place: of the image in the pool.
    """

    image_id: ImageId
    score: float
    place: int


class SearchedPart:
    """Vectors that are searched together.

    Args:
        vectors: the vectors, and the images behind their keys.
        places: int64, of each member in the pool; -1 for one that stands for no image any more.
    """

    def __init__(self, vectors: StoredIndex, places: npt.NDArray[np.int64]) -> None:
        self.vectors, self._places = vectors, places
        self._keys = np.ascontiguousarray(vectors.members.get_column("key").to_numpy())
        self._ids = vectors.members.get_column("image_id")
        self._last: tuple[Mask | None, Keys | None] | None = None

    def nearest(self, query: Vectors, count: int, among: Mask | None) -> Iterator[Neighbour]:
        """See `VectorPool.nearest`; in no order."""
        allowed = self._allowed(among)
        if self._keys.size and (allowed is None or allowed.size):
            found = self.vectors.index.search(query, count, allowed)
            rows = np.searchsorted(self._keys, found.keys)
            scores = (round(score, _DECIMALS) for score in found.scores.tolist())
            yield from map(Neighbour, self._ids.gather(rows), scores, self._places[rows].tolist())

    def _allowed(self, among: Mask | None) -> Keys | None:
        """The keys that may be found, None for all in the index; kept, since most questions come with the same mask."""
        last = self._last
        if last is None or last[0] is not among:
            is_allowed = self._places >= 0
            if among is not None:
                is_allowed &= among[self._places]
            is_whole = bool(is_allowed.all()) and not self.vectors.has_others
            last = self._last = among, None if is_whole else self._keys[is_allowed]
        return last[1]


@dataclass(frozen=True, slots=True)
class VectorPool:
    """Every current vector of an encoder.

    New ones are held in memory, up to `HELD_BYTES`; in a lake without an index the rest, which may be millions, is
    read at every question, a bounded number at a time.

    Attributes:
        stored: the table of the vectors.
        encoder: whose vectors.
        images: `image_id`, `day` and `place`, from 0 on, of everything that can be found.
        opened: the index, if there is one, and new vectors.
        unopened: those of the images that are read at every question.
    """

    stored: StoredVectors
    encoder: EncoderDescription
    images: pl.DataFrame
    opened: Sequence[SearchedPart]
    unopened: pl.DataFrame

    def nearest(self, query: Vectors, count: int, among: Mask | None = None) -> list[Neighbour]:
        """The `count` nearest images, best first; equal ones are in the order of their ids.

        Args:
            query: one unit vector, 1 x dimension.
            count: at least 1.
            among: for every place whether its image may be found; None for all.
        """
        found = [each for part in self._parts(among) for each in part.nearest(query, count, among)]
        return sorted(found, key=lambda each: (-each.score, each.image_id))[:count]

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
        rows = self.stored.read_whole(self.images.filter(pl.col("image_id") == image_id).select("image_id", "day"))
        if rows.is_empty():
            raise ObjectChangedError(f"the vector of {image_id} has gone meanwhile: search again")
        vector: Vectors = rows.get_column("embedding").to_numpy()
        return vector

    def _parts(self, among: Mask | None) -> Iterator[SearchedPart]:
        yield from self.opened
        images = self.unopened
        yield from _in_memory(
            self.stored, images if among is None else images.filter(among[images.get_column("place").to_numpy()])
        )


@dataclass(frozen=True, slots=True)
class Question:
    """A `Likeness`: what is near to a query in a pool, of the images that may be found."""

    pool: VectorPool
    query: Vectors
    found: Mask | None

    def nearest(self, count: int, among: Mask | None = None) -> list[Neighbour]:
        """See `Likeness`."""
        both = self.found if among is None else among if self.found is None else self.found & among
        return self.pool.nearest(self.query, count, both)


def open_pool(
    tables: ParquetTables,
    encoder: EncoderDescription,
    manifest: IndexManifest | None,
    source: IndexSource,
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
    shards, known = (source.open(tables, manifest), manifest.days) if manifest and fits(manifest, encoder) else ((), {})
    members = pl.concat([pl.DataFrame(schema=MEMBER_COLUMNS), *(shard.members for shard in shards)])
    stored = vectors_of(tables, encoder)
    changes = day_changes(stored, known, members, stored.versions)
    is_current = ~is_in(members.get_column("key").to_numpy(), ghost_keys(changes))
    current = members.select("image_id", "day").filter(is_current)
    images = pl.concat([current, missing_images(changes)]).with_row_index("place")
    new, held = images.slice(current.height), held_bytes // (encoder.dimension * np.dtype(np.float32).itemsize)
    opened = [*_indexed(shards, is_current), *_in_memory(stored, new.head(held))]
    return VectorPool(stored, encoder, images, opened, new.slice(held))


def _indexed(shards: Sequence[StoredIndex], is_current: Mask) -> Iterator[SearchedPart]:
    """Shards whose current members are the first images of a pool."""
    places = np.where(is_current, np.cumsum(is_current) - 1, -1)
    ends = np.cumsum([shard.members.height for shard in shards])
    yield from map(SearchedPart, shards, np.split(places, ends[:-1]) if shards else ())


def _in_memory(stored: StoredVectors, images: pl.DataFrame) -> Iterator[SearchedPart]:
    """Vectors of the table, to be compared one by one."""
    for rows in stored.read(images.select("image_id", "day")):
        vectors, members = rows.get_column("embedding").to_numpy(), members_of(rows, 0)
        index = ExactIndex.empty(vectors.shape[1])
        index.add(members.get_column("key").to_numpy(), vectors)
        places = members.join(images, on="image_id", how="left", maintain_order="left").get_column("place")
        yield SearchedPart(StoredIndex(index, members), places.cast(pl.Int64).to_numpy())
