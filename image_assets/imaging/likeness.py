"""Whether two pictures are one photo: how well one can be laid over the other.

A hash or a vector says that two pictures are alike as a whole; two white shirts on one carpet are. Laid over each
other, copies of one photo agree in every fold, whatever was cut off, tilted, brightened or compressed.
"""

from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from image_assets.imaging.pixels import Pixels

Outline: TypeAlias = npt.NDArray[np.float64]
"""float64, 96 x 96: luma of a picture squeezed into a square."""
Warp: TypeAlias = npt.NDArray[np.float64]
"""Two rows (down, right) by slope over rows, slope over columns, shift; in sides of the picture around its centre."""

# Coarse to fine: what is off by four pixels at 96 is off by one at 24.
_SIDES_AND_STEPS = ((24, 8), (48, 6), (96, 4))
_SIDE_PX = _SIDES_AND_STEPS[-1][0]
_TELLING_PX = 48
_HOPELESS = 0.5
_SETTLED_PX = 0.1
_DETAIL_PX = 9
_NOISE_LEVELS = 4
_LEAST_OVERLAP = 0.6
_FLAT = 1e-3


@dataclass(frozen=True, slots=True)
class Overlay:
    """How one picture lies over another.

    Attributes:
        warp: where in the other each place of the one is found.
        likeness: correlation of their fine detail there, -1 to 1.
    """

    warp: Warp
    likeness: float


def outline(pixels: Pixels) -> Outline:
    """What `lay_over` compares of a picture."""
    grey = Image.fromarray(pixels).convert("L")
    return np.asarray(grey.resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BOX), dtype=np.float64)


def lay_over(one: Outline, other: Outline) -> Overlay:
    """The best affine overlay of two pictures.

    Over a likeness of 0.65 it is one photo, for all that was measured of photos; pages of text need a closer look
    (`close_up`). Pictures without detail are like nothing: 0. Found by Gauss-Newton steps on the difference in luma
    (Baker and Matthews, Lucas-Kanade 20 Years On, 2004).
    """
    warp, overlay = np.zeros((2, 3)), Overlay(np.zeros((2, 3)), 0.0)
    for side, steps in _SIDES_AND_STEPS:
        still, moving = _shrunk(one, side), _shrunk(other, side)
        warp = _settled(warp, still, moving, steps)
        if side >= _TELLING_PX:
            overlay = _better(still, moving, warp)
            # Among look-alikes nearly all end here, and half of the work is spared.
            if overlay.likeness < _HOPELESS:
                break
    return overlay


def _better(one: Outline, other: Outline, warp: Warp) -> Overlay:
    """The picture moved or left as it is, whichever lies better; a likeness of 0 when the pictures hardly overlap."""
    still, moving = _detail(one), _detail(other)
    overlays = []
    # Steps may lead astray, most of all over fine patterns: what lies well as it is need not be moved.
    for tried in (warp, np.zeros_like(warp)):
        moved, inside = _moved(moving, tried)
        agreement = _correlation(still[inside], moved[inside]) if inside.mean() >= _LEAST_OVERLAP else 0.0
        overlays.append(Overlay(tried, agreement))
    return max(overlays, key=lambda overlay: overlay.likeness)


def _settled(warp: Warp, still: Outline, moving: Outline, steps: int) -> Warp:
    """The warp after at most so many steps, fewer when they come to rest."""
    for _ in range(steps):
        before, warp = warp, _improved(warp, still, moving)
        if np.abs(warp - before).max() * still.shape[0] < _SETTLED_PX:
            break
    return warp


def _improved(warp: Warp, still: Outline, moving: Outline) -> Warp:
    """One step; the same warp when the pictures hardly overlap."""
    moved, inside = _moved(moving, warp)
    if inside.mean() < _LEAST_OVERLAP:
        return warp
    rows, columns = _grid(still.shape[0])
    down, right = np.gradient(moved)
    slopes = np.stack([down * rows, down * columns, down, right * rows, right * columns, right], axis=-1)[inside]
    # Contrast and brightness are fitted along, so that they do not pull at the shape.
    design = np.column_stack([slopes, moved[inside], np.ones(len(slopes))])
    normal = design.T @ design + _FLAT * np.eye(design.shape[1])
    *step, contrast, _ = np.linalg.solve(normal, design.T @ still[inside])
    contrast = contrast if abs(contrast) > _FLAT else 1.0
    return np.asarray(warp + np.reshape(step, (2, 3)) / contrast / still.shape[0])


def _moved(picture: Outline, warp: Warp) -> tuple[Outline, npt.NDArray[np.bool_]]:
    """The picture under the warp, bilinear, and which pixels come from inside of it."""
    last = picture.shape[0] - 1
    rows, columns = _grid(picture.shape[0])
    down, right = (
        (straight + slopes[0] * rows + slopes[1] * columns + slopes[2]) * picture.shape[0] + last / 2
        for straight, slopes in zip((rows, columns), warp, strict=True)
    )
    inside = (down >= 0) & (down <= last) & (right >= 0) & (right <= last)
    down, right = down.clip(0, last), right.clip(0, last)
    top, left = (np.minimum(place.astype(np.int64), last - 1) for place in (down, right))
    below, beside = down - top, right - left
    upper = picture[top, left] * (1 - beside) + picture[top, left + 1] * beside
    lower = picture[top + 1, left] * (1 - beside) + picture[top + 1, left + 1] * beside
    return upper * (1 - below) + lower * below, inside


@cache
def _grid(side: int) -> tuple[Outline, Outline]:
    """Row and column of every pixel, -0.5 to 0.5."""
    axis = (np.arange(side) - (side - 1) / 2) / side
    rows, columns = np.meshgrid(axis, axis, indexing="ij")
    return rows, columns


def _shrunk(picture: Outline, side: int) -> Outline:
    share = picture.shape[0] // side
    return np.asarray(picture.reshape(side, share, side, share).mean(axis=(1, 3)))


def _detail(picture: Outline) -> Outline:
    """What the mean of the square around each pixel leaves, over its standard deviation there.

    Without the division the outline of a garment, which many share, outweighs the folds, which none do.
    """
    rest = picture - _mean_around(picture)
    return np.asarray(rest / np.sqrt(_mean_around(rest**2) + _NOISE_LEVELS**2))


def _mean_around(picture: Outline) -> Outline:
    padded = np.pad(picture, _DETAIL_PX // 2, mode="edge")
    sums = np.pad(padded.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    rows = sums[_DETAIL_PX:] - sums[:-_DETAIL_PX]
    # Differences of large sums: what should be 0 may lie a little below.
    return np.asarray((rows[:, _DETAIL_PX:] - rows[:, :-_DETAIL_PX]).clip(min=0) / _DETAIL_PX**2)


def _correlation(one: Outline, other: Outline) -> float:
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / scale if scale > _FLAT else 0.0
