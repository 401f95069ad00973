"""What it means to be an index of vectors: numbered vectors that come, go and are found by nearness."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from image_assets.errors import SearchError

Vectors: TypeAlias = npt.NDArray[np.float32]
"""float32, rows x dimension, every row of unit length."""

Keys: TypeAlias = npt.NDArray[np.uint64]
"""uint64, one number per vector; what a number stands for is known to whoever fills the index."""

Scores: TypeAlias = npt.NDArray[np.float32]
"""float32, cosine similarities, -1 to 1."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Keys and their scores, best first; equal scores are in the order of their keys."""

    keys: Keys
    scores: Scores

    def of(self, chosen: npt.NDArray[np.bool_]) -> "Neighbours":
        """Some of them."""
        return Neighbours(self.keys[chosen], self.scores[chosen])


class VectorIndex(Protocol):
    """Unit vectors under keys.

    Whatever takes vectors raises `SearchError` when they are not of the index's dimension.
    """

    @property
    def dimension(self) -> int:
        """Numbers per vector."""
        ...

    @property
    def keys(self) -> Keys:
        """The keys that are in, sorted."""
        ...

    def __len__(self) -> int:
        """How many vectors are in."""
        ...

    def add(self, keys: Keys, vectors: Vectors) -> None:
        """Put vectors in; a key that is in already gets the new one."""
        ...

    def remove(self, keys: Keys) -> None:
        """Take vectors out; keys that are not in are passed over."""
        ...

    def search(self, query: Vectors, count: int, among: Keys | None = None) -> Neighbours:
        """The `count` nearest, fewer when there are no more.

        Args:
            query: one unit vector, 1 x dimension.
            count: at least 1.
            among: sorted keys, the only ones that may be found; keys that are not in are passed over.
        """
        ...

    def save(self, path: Path) -> None:
        """Write everything to one file."""
        ...


def best_of(keys: Keys, scores: Scores, count: int) -> Neighbours:
    """The `count` keys of the highest scores, in order."""
    if count < scores.size:
        worst = np.partition(scores, -count)[-count]
        kept = scores >= worst
        keys, scores = keys[kept], scores[kept]
    order = np.lexsort((keys, -scores))[:count]
    return Neighbours(keys[order], scores[order])


def is_in(keys: Keys, those: Keys) -> npt.NDArray[np.bool_]:
    """Which of the keys are among `those`, which are sorted: cheaper than a set when `those` are many."""
    if not those.size:
        return np.zeros(keys.shape, dtype=np.bool_)
    places = np.minimum(np.searchsorted(those, keys), those.size - 1)
    found: npt.NDArray[np.bool_] = those[places] == keys
    return found


def check_dimension(vectors: Vectors, dimension: int) -> None:
    """Refuse vectors of another space; `SearchError`."""
    if vectors.ndim != 2 or vectors.shape[1] != dimension:
        raise SearchError(f"vectors of shape {vectors.shape} do not fit an index of {dimension} dimensions")
