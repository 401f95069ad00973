"""Laying pictures over each other to a part of a pixel, once it is known about how they lie."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from image_assets.imaging.likeness import Warp

Grey: TypeAlias = npt.NDArray[np.float32]
"""float32, rows x columns: luma."""
Places: TypeAlias = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
"""Rows and columns in pixels, parts of pixels included."""

# Where a picture lies is told by some of its edges: its steepest pixels, but none of a flat ground.
_EDGE_SHARE = 0.2
_STEEP_LEVELS = 2.0
_EDGE_PX = 6000
_MOST_STEPS = 8
_SETTLED_PX = 0.05
_FLAT = 1e-3
# What a tilt or a frame leaves at the rim says nothing.
_RIM = 0.05


def improve_warp(warp: Warp, still: Grey, moving: Grey) -> Warp:
    """The warp after Gauss-Newton steps on edges of a picture; see `lay_over`. Both are of one size."""
    edges = _spread_edges(still)
    rows, columns = (axis.ravel()[edges] for axis in _grid(still.shape))
    pictures = (moving, *np.gradient(moving))
    for _ in range(_MOST_STEPS):
        change = _step(warp, (rows, columns), still.ravel()[edges], pictures)
        warp = warp + change
        # Another picture may lead the steps out of sight, further with each.
        if not _SETTLED_PX / max(still.shape) < np.abs(change).max() < 1:
            break
    return warp


def place_pixels(warp: Warp, shape: tuple[int, ...]) -> Places:
    """Where in the other picture the pixels of the one are found."""
    return _places(_grid(shape), warp, shape)


def overlap(places: Places) -> npt.NDArray[np.bool_]:
    """Whether a pixel and its place in the other picture both lie off the rims."""
    shape = places[0].shape
    inside = np.ones(shape, dtype=np.bool_)
    for place, straight, side in zip(places, _grid(shape), shape, strict=True):
        inside &= (np.abs(place - (side - 1) / 2) <= (0.5 - _RIM) * side) & (np.abs(straight) <= 0.5 - _RIM)
    return inside


def _step(warp: Warp, grid: Places, wanted: Grey, pictures: Sequence[Grey]) -> Warp:
    """What improves the warp; the pictures are the moving one and its slopes, down and right."""
    (rows, columns), shape = grid, pictures[0].shape
    places = _places(grid, warp, shape)
    moved, down, right = (ndimage.map_coordinates(each, places, order=1, mode="nearest") for each in pictures)
    down, right = down * shape[0], right * shape[1]
    slopes = (down * rows, down * columns, down, right * rows, right * columns, right)
    # Contrast and brightness are fitted along, so that they do not pull at the shape.
    design = np.column_stack([*slopes, moved, np.ones_like(moved)])
    normal = design.T @ design + _FLAT * np.eye(design.shape[1])
    *step, contrast, _ = np.linalg.solve(normal, design.T @ wanted)
    return np.asarray(np.reshape(step, (2, 3)) / (contrast if abs(contrast) > _FLAT else 1.0))


def _spread_edges(grey: Grey) -> npt.NDArray[np.int64]:
    """Indices of some pixels of steep slope, all over the picture."""
    steepness = np.hypot(*np.gradient(grey)).ravel()
    edges = np.flatnonzero(steepness >= max(_STEEP_LEVELS, np.quantile(steepness, 1 - _EDGE_SHARE)))
    return edges[:: max(1, edges.size // _EDGE_PX)]


def _grid(shape: tuple[int, ...]) -> Places:
    """Row and column of every pixel, -0.5 to 0.5."""
    down, right = ((np.arange(side) - (side - 1) / 2) / side for side in shape)
    rows, columns = np.meshgrid(down, right, indexing="ij")
    return rows, columns


def _places(grid: Places, warp: Warp, shape: tuple[int, ...]) -> Places:
    """Where in the other picture, in pixels, the places of the one are found."""
    rows, columns = grid
    down, right = (
        (straight + slopes[0] * rows + slopes[1] * columns + slopes[2]) * side + (side - 1) / 2
        for straight, slopes, side in zip(grid, warp, shape, strict=True)
    )
    return down, right
