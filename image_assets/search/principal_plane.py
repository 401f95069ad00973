"""Vectors as points of the plane in which they differ most (principal component analysis)."""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from image_assets.search.vector_index import Vectors

Points: TypeAlias = npt.NDArray[np.float32]
"""float32, points x 2."""


class Plane(NamedTuple):
    """Points, and how much of the vectors' variance they show, 0 to 1."""

    points: Points
    explained_ratio: float


def principal_plane(vectors: Vectors) -> Plane:
    """Each vector as a point from 0 to 1, both axes of one scale.

    The same vectors give the same picture: the axis along which they differ most comes first, and the number that
    weighs most on an axis weighs positively.
    """
    if len(vectors) < 2:
        return Plane(np.full((len(vectors), 2), 0.5, np.float32), 1.0 if len(vectors) else 0.0)
    centred = vectors - vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    covariance = (centred.T @ centred).astype(np.float64)
    variances, axes = np.linalg.eigh(covariance)
    plane = axes[:, [-1, -2]]
    plane *= np.sign(plane[np.abs(plane).argmax(axis=0), [0, 1]])
    explained = float(variances[-2:].sum() / max(variances.sum(), np.finfo(np.float64).tiny))
    return Plane(_fitted(centred @ plane.astype(np.float32)), explained)


def _fitted(points: Points) -> Points:
    """Into the unit square, in its middle."""
    low, high = points.min(axis=0), points.max(axis=0)
    reach = float((high - low).max()) or 1.0
    fitted: Points = ((points - (low + high) / 2) / reach + 0.5).astype(np.float32)
    return fitted
