"""The pool that is searched: the index, and beside it every vector that is newer than the index.

A day's images are therefore found from the moment its embeddings are committed, whether or not there is an index.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from image_assets.errors import SearchError
from image_assets.ids import ImageId
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoder import EncoderDescription
from image_assets.search.exact_search import Hit, Vectors, find_nearest
from image_assets.search.usearch_index import UsearchParams
from image_assets.search.vector_index import Keys
from image_assets.steps.vectors.index_store import IndexManifest, StoredIndex, empty_index, open_index, way_out
from image_assets.steps.vectors.vector_index import DayChange, day_changes, day_versions, fits, read_vectors

_DECIMALS = 4
"""Of a score; behind them one sees whether a vector came from the index, in half precision, or from its table."""


@dataclass(frozen=True, slots=True)
class VectorPool:
    """Every current vector of an encoder.

    Attributes:
        tables: the lake's tables.
        encoder: whose vectors.
        stored: the index; without members when there is none.
        changes: how the embeddings differ from it.
        images: `image_id` and `day` of everything that can be found.
    """

    tables: ParquetTables
    encoder: EncoderDescription
    stored: StoredIndex
    changes: Sequence[DayChange]
    images: pl.DataFrame

    def nearest(
        self, query: Vectors, count: int, among: pl.Series | None = None, without: pl.Series | None = None
    ) -> list[Hit]:
        """The `count` nearest images, best first; equal scores are in the order of their ids.

        Args:
            query: one unit vector, 1 x dimension.
            count: at least 1.
            among: the only ids that may be found.
            without: ids that may not be found.
        """
        found = [*self._indexed(query, count, among, without), *self._fresh(query, count, among, without)]
        hits = [Hit(hit.image_id, round(hit.score, _DECIMALS)) for hit in found]
        return sorted(hits, key=lambda hit: (-hit.score, hit.image_id))[:count]

    def find_id(self, beginning: str) -> ImageId:
        """The one id that begins like this; `SearchError` when there is none, or several."""
        found = self.images.get_column("image_id")
        found = found.filter(found.str.starts_with(beginning))
        if found.len() > 1:
            raise SearchError(f"the ids of {found.len()} images begin with {beginning}: write more of it")
        if found.is_empty():
            raise SearchError(f"there is no image {beginning} with a vector of {self.encoder.name}")
        return ImageId(found[0])

    def vector_of(self, image_id: ImageId) -> Vectors:
        """The vector of an image of the pool, 1 x dimension."""
        (day,) = self.images.filter(pl.col("image_id") == image_id).get_column("day")
        (rows,) = read_vectors(self.tables, self.encoder, day, pl.Series([image_id]))
        vector: Vectors = rows.get_column("embedding").to_numpy()
        return vector

    def _indexed(self, query: Vectors, count: int, among: pl.Series | None, without: pl.Series | None) -> Iterator[Hit]:
        members = self.stored.members
        if members.height:
            forbidden = np.union1d(_ghosts(self.changes), self._keys_of(without))
            allowed = None if among is None else self._keys_of(among)
            found = self.stored.index.search(query, count, among=allowed, without=forbidden)
            places = members.get_column("key").search_sorted(pl.Series(found.keys))
            ids = members.get_column("image_id").gather(places)
            yield from (Hit(ImageId(name), float(score)) for name, score in zip(ids, found.scores, strict=True))

    def _keys_of(self, ids: pl.Series | None) -> Keys:
        if ids is None or ids.is_empty():
            return np.empty(0, np.uint64)
        return self.stored.members.filter(pl.col("image_id").is_in(ids.implode())).get_column("key").to_numpy()

    def _fresh(self, query: Vectors, count: int, among: pl.Series | None, without: pl.Series | None) -> list[Hit]:
        blocks = (
            (rows.get_column("image_id").to_list(), rows.get_column("embedding").to_numpy())
            for change in self.changes
            for rows in read_vectors(self.tables, self.encoder, change.day, _chosen(change.missing, among, without))
        )
        return find_nearest(blocks, query, count)


def open_pool(
    tables: ParquetTables, encoder: EncoderDescription, manifest: IndexManifest | None, params: UsearchParams
) -> VectorPool:
    """Open the index, if there is one, and see what it does not have yet: all, when it is of former weights.

    Raises:
        SearchError: the index is damaged, or of another dimension.
    """
    if manifest and manifest.dimension != encoder.dimension:
        found = f"the index of {encoder.name} has {manifest.dimension} dimensions, the encoder {encoder.dimension}"
        raise SearchError(f"{found}; {way_out(encoder.name)}")
    if manifest and fits(manifest, encoder):
        stored, known = open_index(tables.store, manifest, params, to_change=False), manifest.days
    else:
        stored, known = empty_index("exact", encoder.dimension, params), {}
    changes = day_changes(tables, encoder, known, stored.members, day_versions(tables, encoder.name))
    return VectorPool(tables, encoder, stored, changes, _images(stored.members, changes))


def _images(members: pl.DataFrame, changes: Sequence[DayChange]) -> pl.DataFrame:
    ghosts = pl.Series(_ghosts(changes), dtype=pl.UInt64)
    indexed = members.filter(~pl.col("key").is_in(ghosts.implode())).select("image_id", "day")
    fresh = (pl.DataFrame({"image_id": change.missing}).with_columns(day=pl.lit(change.day)) for change in changes)
    return pl.concat([indexed, *fresh])


def _ghosts(changes: Sequence[DayChange]) -> Keys:
    return np.sort(np.concatenate([np.empty(0, np.uint64), *(change.ghosts for change in changes)]))


def _chosen(ids: pl.Series, among: pl.Series | None, without: pl.Series | None) -> pl.Series:
    chosen = ids if among is None else ids.filter(ids.is_in(among.implode()))
    return chosen if without is None else chosen.filter(~chosen.is_in(without.implode()))
