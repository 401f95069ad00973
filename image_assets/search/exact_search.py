"""Exact nearest neighbours: every vector is compared, a block at a time, so memory is bounded by the block."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from image_assets.ids import ImageId

Vectors: TypeAlias = npt.NDArray[np.float32]
"""float32, rows x dimension, every row of unit length."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A neighbour and its cosine similarity to the query, -1 to 1."""

    image_id: ImageId
    score: float


def find_nearest(blocks: Iterable[tuple[Sequence[ImageId], Vectors]], query: Vectors, count: int) -> list[Hit]:
    """The `count` nearest, best first; equal scores are ordered by id, so that pages are stable.

    Args:
        blocks: sorted ids and their unit vectors, rows x dimension.
        query: one unit vector, 1 x dimension.
        count: at least 1.
    """
    best: list[Hit] = []
    for ids, vectors in blocks:
        scores = vectors @ query[0]
        # Ids within a block are sorted, so a stable sort keeps equal scores in the order of their ids.
        top = np.argsort(-scores, kind="stable")[:count]
        best += [Hit(ids[index], float(scores[index])) for index in top]
        best = sorted(best, key=lambda hit: (-hit.score, hit.image_id))[:count]
    return best
