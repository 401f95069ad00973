"""In which order to look at some of many vectors, so that the first few already stand for all of them."""

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
"""Vectors x dimension, of unit length; the distance of two is 1 less their cosine."""


def spread_by_weight(
    vectors: Vectors, weights: npt.NDArray[np.float32], known: Vectors | None = None
) -> npt.NDArray[np.intp]:
    """All places, each next the one of the largest product of weight and distance to those before it.

    Farthest-first traversal (Gonzalez 1985), by which Sener and Savarese (2018, arXiv 1708.00489) choose images to
    label. A weight for each is what Ash et al. (2020, arXiv 1906.03671) draw by; here the largest is taken, so that it
    is the same each time. Of vectors that are the same all but one come last.

    Args:
        vectors: what is put in order.
        weights: one positive number for each.
        known: vectors that have been looked at before, if any.
    """
    distances, is_left = _distances(vectors, known), np.ones(len(vectors), np.bool_)
    order = np.empty(len(vectors), np.intp)
    for place in range(len(order)):
        order[place] = chosen = int(np.where(is_left, weights * distances, -1.0).argmax())
        is_left[chosen] = False
        distances = np.minimum(distances, np.maximum(1 - vectors @ vectors[chosen], 0))
    return order


def spread_by_likeness(vectors: Vectors, known: Vectors | None = None) -> npt.NDArray[np.intp]:
    """All places, each next the one that brings all others closest to one that was chosen.

    Greedy facility location, the choice of which Wei, Iyer and Bilmes (2015) show to be best for a nearest-neighbour
    classifier: it begins in the middle of the largest crowd, where farthest-first begins with oddities.

    Args:
        vectors: what is put in order; a few hundred, for all are compared with all.
        known: vectors that have been looked at before, if any.
    """
    likeness = np.maximum(vectors @ vectors.T, 0)
    nearest = np.maximum(1 - _distances(vectors, known), 0)
    gains, order = np.full(len(vectors), np.inf), np.empty(len(vectors), np.intp)
    for place in range(len(order)):
        # What a place gains never grows: most need not be looked at again (Minoux 1978).
        while True:
            best = int(gains.argmax())
            former, gains[best] = gains[best], np.maximum(likeness[best] - nearest, 0).sum()
            if gains[best] == former or gains[best] >= gains.max():
                break
        order[place], gains[best] = best, -1.0
        nearest = np.maximum(nearest, likeness[best])
    return order


def _distances(vectors: Vectors, known: Vectors | None) -> npt.NDArray[np.float32]:
    """To the nearest known one; as far as can be without any."""
    if known is None or not len(known) or not len(vectors):
        return np.full(len(vectors), 2, np.float32)
    distances: npt.NDArray[np.float32] = np.maximum(1 - (vectors @ known.T).max(axis=1), 0)
    return distances
