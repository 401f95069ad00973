"""An index that walks a graph of neighbours instead of comparing every vector (HNSW; Malkov and Yashunin 2018)."""

from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path
from typing import Self

import numpy as np

# Brings the system's C++ library in before usearch brings its own: with that one first, onnxruntime crashes on import.
import pyarrow as pa  # noqa: F401
from usearch.index import Index

from image_assets.errors import SearchError
from image_assets.search.graph_walk import DEEPER, walk_deeper
from image_assets.search.vector_index import Keys, Neighbours, Vectors, best_of, check_dimension

_AT_ONCE = 20_000
"""Vectors in memory while they are compared one by one."""

_LEAST_EXPANSION = 48


@dataclass(frozen=True, slots=True)
class UsearchParams:
    """How the graph is built and walked; more is slower and finds more.

    Attributes:
        connectivity: neighbours per vector.
        expansion_add: candidates looked at while a vector is put in.
        expansion_search: candidates looked at by a search.
        threads: that put vectors in; 0 takes every core.
    """

    connectivity: int = 16
    expansion_add: int = 128
    expansion_search: int = 128
    threads: int = 0

    def for_share(self, share: float) -> Self:
        """To search a part of all vectors: as it has a part of the nearest only, fewer candidates do."""
        fewer = max(_LEAST_EXPANSION, round(self.expansion_search * sqrt(share)))
        return replace(self, expansion_search=min(self.expansion_search, fewer))


class UsearchIndex:
    """A `VectorIndex` in half precision."""

    def __init__(self, index: Index, params: UsearchParams, *, is_view: bool) -> None:
        self._index, self._threads, self._is_view = index, params.threads, is_view

    @classmethod
    def empty(cls, dimension: int, params: UsearchParams) -> Self:
        """Without vectors."""
        index = Index(
            ndim=dimension,
            # Of unit vectors the same as the cosine, without computing their lengths at every comparison.
            metric="ip",
            dtype="f16",
            connectivity=params.connectivity,
            expansion_add=params.expansion_add,
            expansion_search=params.expansion_search,
        )
        return cls(index, params, is_view=False)

    @classmethod
    def load(cls, path: Path, params: UsearchParams) -> Self:
        """Load a saved file, to change it."""
        return cls(_restore(path, params, is_view=False), params, is_view=False)

    @classmethod
    def open(cls, path: Path, params: UsearchParams) -> Self:
        """Read a saved file in place; it cannot be changed."""
        return cls(_restore(path, params, is_view=True), params, is_view=True)

    @property
    def dimension(self) -> int:
        """See `VectorIndex`."""
        return int(self._index.ndim)

    @property
    def keys(self) -> Keys:
        """See `VectorIndex`."""
        return np.sort(np.asarray(self._index.keys, dtype=np.uint64))

    def __len__(self) -> int:
        """See `VectorIndex`."""
        return len(self._index)

    def add(self, keys: Keys, vectors: Vectors) -> None:
        """See `VectorIndex`."""
        check_dimension(vectors, self.dimension)
        self.remove(keys)
        if keys.size:
            self._index.add(keys, vectors, threads=self._threads)

    def remove(self, keys: Keys) -> None:
        """See `VectorIndex`."""
        if self._is_view:
            # The library would crash the process.
            raise SearchError("an index that is read in place cannot be changed: load it")
        if keys.size and len(self):
            self._index.remove(keys[self._index.contains(keys)])

    def search(self, query: Vectors, count: int, among: Keys | None = None) -> Neighbours:
        """See `VectorIndex`."""
        check_dimension(query, self.dimension)
        return walk_deeper(self, query, count, among)

    def walk(self, query: Vectors, depth: int) -> Neighbours:
        """See `Graph`; by comparison when most are wanted, because a graph may have islands."""
        if not depth:
            return Neighbours(np.empty(0, np.uint64), np.empty(0, np.float32))
        found = self._index.search(query[0], depth, exact=depth * DEEPER > len(self))
        return Neighbours(found.keys, 1 - found.distances)

    def compare(self, query: Vectors, keys: Keys, count: int) -> Neighbours:
        """See `Graph`; a bounded number of vectors at a time."""
        best = Neighbours(np.empty(0, np.uint64), np.empty(0, np.float32))
        present = keys[self._index.contains(keys)] if keys.size else keys
        for start in range(0, present.size, _AT_ONCE):
            part = present[start : start + _AT_ONCE]
            vectors = np.asarray(self._index.get(part), dtype=np.float32)
            scores = np.concatenate([best.scores, vectors @ query[0]])
            best = best_of(np.concatenate([best.keys, part]), scores, count)
        return best

    def save(self, path: Path) -> None:
        """See `VectorIndex`."""
        self._index.save(str(path))


def _restore(path: Path, params: UsearchParams, *, is_view: bool) -> Index:
    try:
        # The file holds the graph but not how it is to be walked.
        depths = {"expansion_add": params.expansion_add, "expansion_search": params.expansion_search}
        index = Index.restore(str(path), view=is_view, **depths)
    except (ValueError, RuntimeError) as error:
        raise SearchError(f"{path} cannot be read as an index: {error}") from error
    if index is None:
        raise SearchError(f"{path} cannot be read as an index: it has no header of one")
    return index
