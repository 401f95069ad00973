"""An index that compares every vector: never wrong, and fast enough for small pools."""

from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from image_assets.errors import SearchError
from image_assets.search.vector_index import Keys, Neighbours, Vectors, best_of, check_dimension, is_in

_Rows: TypeAlias = npt.NDArray[Any]
"""Records of `key` and `vector`, sorted by key: one array is one file, which can be read in place."""


class ExactIndex:
    """A `VectorIndex` over one array."""

    def __init__(self, rows: _Rows) -> None:
        self._rows = rows

    @classmethod
    def empty(cls, dimension: int) -> Self:
        """Without vectors."""
        return cls(np.empty(0, dtype=[("key", "<u8"), ("vector", "<f4", (dimension,))]))

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read a saved file in place, without loading it; `SearchError` when it is none."""
        try:
            return cls(np.load(path, mmap_mode="r"))
        except (OSError, ValueError, EOFError) as error:
            raise SearchError(f"{path} cannot be read as an index: {error}") from error

    @property
    def dimension(self) -> int:
        """See `VectorIndex`."""
        return int(self._rows["vector"].shape[1])

    @property
    def keys(self) -> Keys:
        """See `VectorIndex`."""
        return np.ascontiguousarray(self._rows["key"])

    @property
    def vectors(self) -> Vectors:
        """Rows in the order of the keys."""
        return np.ascontiguousarray(self._rows["vector"])

    def __len__(self) -> int:
        """See `VectorIndex`."""
        return int(self._rows.size)

    def add(self, keys: Keys, vectors: Vectors) -> None:
        """See `VectorIndex`; copies the array, twice unless the keys are sorted and above all others."""
        check_dimension(vectors, self.dimension)
        self.remove(keys)
        before = self._rows.size
        rows = np.empty(before + keys.size, dtype=self._rows.dtype)
        rows[:before], rows["key"][before:], rows["vector"][before:] = self._rows, keys, vectors
        order = np.argsort(rows["key"], kind="stable")
        self._rows = rows if np.array_equal(order, np.arange(order.size)) else rows[order]

    def remove(self, keys: Keys) -> None:
        """See `VectorIndex`; copies the array if any of them is in it."""
        is_gone = is_in(self._rows["key"], np.sort(keys))
        if is_gone.any():
            self._rows = self._rows[~is_gone]

    def search(self, query: Vectors, count: int, among: Keys | None = None) -> Neighbours:
        """See `VectorIndex`."""
        check_dimension(query, self.dimension)
        rows = self._rows
        if among is not None and among.size < len(self) // 2:
            rows, among = rows[is_in(rows["key"], among)], None
        keys, scores = rows["key"], rows["vector"] @ query[0]
        if among is not None:
            allowed = is_in(keys, among)
            keys, scores = keys[allowed], scores[allowed]
        return best_of(keys, scores, count)

    def save(self, path: Path) -> None:
        """See `VectorIndex`."""
        with path.open("wb") as file:
            np.save(file, self._rows)
