"""Whether two pictures that lie well over each other are one close up: every word, every digit, every colour.

A likeness is a mean over pictures of 96 pixels: it tells two shirts apart by their folds, but not two price tags by
their prices. Here the pictures are laid over each other in full, and what counts is the window that agrees least.
"""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from image_assets.imaging.fine_overlay import Grey, improve_warp, overlap, place_pixels
from image_assets.imaging.likeness import Warp
from image_assets.imaging.pixels import Pixels

_Measures: TypeAlias = npt.NDArray[np.float32]
"""float32: what windows say of grey levels."""

_FLAT = 1e-3
_SMOOTHED_PX = 0.8
_WINDOW_PX = 7
_LEAST_OVERLAP = 0.4
_STRUCTURE_LEVELS = 12.0
# With less structure than this, as of two halves in two colours, anything can be moved onto anything.
_TELLING_SHARE = 0.03

# Pages of one layout mostly differ in many places: nearly all end at half the size, at a quarter of the work.
_SHARES_AND_SLACK = ((2, 2.0), (1, 1.0))

# Two bands of five grey levels cover at most 0.45 of 682 photos of clothes, and 0.7 and more of pages of text.
_GROUND_LEVELS = 5
_PAGE_GROUND = 0.6

# A photo may be marked: half-transparent watermarks leave up to 17 levels, other copies 9, another print 27 and more.
_MOST_UNEXPLAINED = 20.0
# A page may not. Resizing, cropping and compression disturb all strokes, another digit a few of them, and more.
_PAGE_NOISE, _PAGE_NOISE_RATIO, _PAGE_OUTLIER, _PAGE_DIFFERENCE = 3.3, 0.18, 4.0, 14.0
_PAGE_CONTRAST, _PAGE_BRIGHTNESS = 1.7, 80.0
# A ground of this share that kept its level, and the least change of level that is another paint.
_KEPT_LEVELS, _KEPT_GROUND, _REPAINTED_LEVELS = 4.0, 0.2, 12.0
# Of paper less will do, as the margin of a card: black stays black in a darker copy, and white does not stay white.
_PAPER_LEVEL, _KEPT_PAPER = 200.0, 0.05

_COLOUR_CELLS = 48
_NEUTRAL = 128
_COLOURLESS = 8.0
_MOST_SATURATED = 1.35
_PHOTO_COLOUR, _PHOTO_MEAN_COLOUR, _PAGE_COLOUR = 32.0, 14.0, 8.0


@dataclass(frozen=True, slots=True)
class _View:
    """A picture at some size.

    Attributes:
        grey: slightly smoothed, so that it can be moved by parts of a pixel.
        chroma: 2 x rows x columns, Cb and Cr around 0, squeezed into a square of its own.
        ground_share: how much of it the two commonest bands of grey levels cover.
    """

    grey: Grey
    chroma: Grey
    ground_share: float

    @classmethod
    def of(cls, pixels: Pixels, size: tuple[int, int]) -> "_View":
        """The picture at a width and height."""
        image = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)
        grey = np.asarray(image.convert("L"))
        cells = image.convert("YCbCr").resize((_COLOUR_CELLS, _COLOUR_CELLS), Image.Resampling.BOX)
        chroma = np.moveaxis(np.asarray(cells, dtype=np.float32)[..., 1:] - _NEUTRAL, -1, 0)
        return cls(ndimage.gaussian_filter(grey.astype(np.float32), _SMOOTHED_PX), chroma, _ground_share(grey))


class _Windows(NamedTuple):
    """What the windows inside of both pictures show, one after the other, in grey levels of the one.

    Attributes:
        one: variances.
        other: variances, after contrast and brightness were made alike.
        shared: covariances.
        level: of the one.
        shift: of the other's mean from the one's, before contrast and brightness were made alike.
        contrast: of the one over the other's.
        brightness: of the one less the other's.
    """

    one: _Measures
    other: _Measures
    shared: _Measures
    level: _Measures
    shift: _Measures
    contrast: float
    brightness: float

    @property
    def is_ground_kept(self) -> bool:
        """Whether something large is as light in both, so that neither is the other one toned."""
        is_kept = np.abs(self.shift) <= _KEPT_LEVELS
        is_paper = is_kept & (self.level >= _PAPER_LEVEL)
        return bool(is_kept.mean() >= _KEPT_GROUND or is_paper.mean() >= _KEPT_PAPER)


def is_same_close_up(one: Pixels, other: Pixels, warp: Warp) -> bool:
    """Whether all that can be seen of both agrees; `warp` is about how the other lies, as `lay_over` finds it.

    Pictures of few flat colours, as pages of text, price tags and logos are, must agree in every stroke; a photo may
    have been marked or its lights burnt out. Both are compared at the smaller one's size.
    """
    for share, slack in _SHARES_AND_SLACK:
        still, moving, warp = _laid_over(one, other, warp, share)
        if not _agree(still, moving, warp, slack):
            return False
    return True


def settle_warp(one: Pixels, other: Pixels, warp: Warp) -> Warp:
    """How the other lies, to a part of a pixel, as `is_same_close_up` finds it.

    Nothing is decided here, so what cannot be told more finely, for want of structure, stays as it was told.
    """
    for share, _ in _SHARES_AND_SLACK:
        _, _, finer = _laid_over(one, other, warp, share)
        warp = finer if finer.any() else warp
    return warp


def _laid_over(one: Pixels, other: Pixels, warp: Warp, share: int) -> tuple[_View, _View, Warp]:
    """Both at a share of the smaller one's size, and how they lie there."""
    rows, columns = (min(sides) for sides in zip(one.shape[:2], other.shape[:2], strict=True))
    size = max(2, columns // share), max(2, rows // share)
    still, moving = (_View.of(each, size) for each in (one, other))
    is_telling = _structured_share(still.grey) >= _TELLING_SHARE
    return still, moving, improve_warp(warp, still.grey, moving.grey) if is_telling else np.zeros_like(warp)


def _agree(still: _View, moving: _View, warp: Warp, slack: float) -> bool:
    windows = _windows(still.grey, moving.grey, warp)
    is_page = min(still.ground_share, moving.ground_share) >= _PAGE_GROUND
    is_toned = not (is_page and windows and windows.is_ground_kept)
    if windows is None or not _has_colours_of(still.chroma, moving.chroma, warp, is_page=is_page, is_toned=is_toned):
        return False
    return _is_same_page(windows, slack) if is_page else _is_same_photo(windows, slack)


def _is_same_photo(windows: _Windows, slack: float) -> bool:
    """Whether no window shows one thing here and quite another there; a mark on one of them adds, as a rule."""
    poorer = np.minimum(windows.one, windows.other)
    is_other = windows.shared < poorer / 2
    unexplained = np.where(is_other, poorer - windows.shared, 0)
    return bool(unexplained.max() <= (slack * _MOST_UNEXPLAINED) ** 2)


def _is_same_page(windows: _Windows, slack: float) -> bool:
    """Whether no window differs by more than the noise of copying does."""
    is_toned = 1 / _PAGE_CONTRAST <= windows.contrast <= _PAGE_CONTRAST
    if not is_toned or abs(windows.brightness) > _PAGE_BRIGHTNESS or _is_repainted(windows, slack):
        return False
    difference = np.sqrt((windows.one + windows.other - 2 * windows.shared).clip(min=0))
    strength = np.sqrt(np.maximum(windows.one, windows.other))
    strokes = difference[strength > _STRUCTURE_LEVELS]
    usual = float(np.median(strokes)) if strokes.size else 0.0
    # Strong strokes suffer more from copying; where nothing was copied there is no noise.
    allowed = np.maximum(_PAGE_NOISE_RATIO * min(usual, 1) * strength, max(_PAGE_NOISE, _PAGE_OUTLIER * usual))
    return bool((difference <= slack * np.minimum(allowed, _PAGE_DIFFERENCE)).all())


def _is_repainted(windows: _Windows, slack: float) -> bool:
    """Whether the ground kept its level and something on it has another; who tones a copy tones all of it."""
    return windows.is_ground_kept and bool(np.abs(windows.shift).max() > slack * _REPAINTED_LEVELS)


def _windows(still: Grey, moving: Grey, warp: Warp) -> _Windows | None:
    """None when the pictures hardly overlap."""
    places = place_pixels(warp, still.shape)
    inside = overlap(places)
    if inside.mean() < _LEAST_OVERLAP:
        return None
    moved = ndimage.map_coordinates(moving, places, order=1, mode="nearest")
    contrast = float(still[inside].std() / max(moved[inside].std(), _FLAT))
    brightness = float(still[inside].mean() - moved[inside].mean())
    one, other = still - still[inside].mean(), (moved - moved[inside].mean()) * np.float32(contrast)
    one_mean, other_mean = _mean_around(one), _mean_around(other)
    products = ((one, one, one_mean**2), (other, other, other_mean**2), (one, other, one_mean * other_mean))
    one_spread, other_spread, shared = ((_mean_around(a * b) - means)[inside] for a, b, means in products)
    level, shift = _mean_around(still)[inside], _mean_around(moved - still)[inside]
    return _Windows(one_spread.clip(min=0), other_spread.clip(min=0), shared, level, shift, contrast, brightness)


def _has_colours_of(still: Grey, moving: Grey, warp: Warp, *, is_page: bool, is_toned: bool) -> bool:
    """Whether no part is of another colour; a photo may have lost all colours, what is toned is paler or stronger."""
    places = place_pixels(warp, still.shape[1:])
    inside = overlap(places)
    if not inside.any():
        return False
    moved = np.stack([ndimage.map_coordinates(each, places, order=1, mode="nearest") for each in moving])
    saturations = [float(np.hypot(*each[:, inside]).max()) for each in (still, moved)]
    if not is_page and min(saturations) < _COLOURLESS:
        return True
    fit = float((still * moved)[:, inside].sum() / max((moved**2)[:, inside].sum(), _FLAT))
    rest = still - (np.clip(fit, 1 / _MOST_SATURATED, _MOST_SATURATED) if is_toned else 1) * moved
    apart = np.hypot(*(ndimage.uniform_filter(each, 3) for each in rest))[inside]
    if is_page:
        return bool(apart.max() <= _PAGE_COLOUR)
    return bool(apart.max() <= _PHOTO_COLOUR and apart.mean() <= _PHOTO_MEAN_COLOUR)


def _ground_share(grey: Pixels) -> float:
    shares = np.bincount(grey.ravel(), minlength=256) / grey.size
    covered = 0.0
    for _ in range(2):
        bands = np.convolve(shares, np.ones(_GROUND_LEVELS), "valid")
        first = int(bands.argmax())
        covered += float(bands[first])
        shares[first : first + _GROUND_LEVELS] = 0
    return covered


def _structured_share(grey: Grey) -> float:
    spread = _mean_around(grey**2) - _mean_around(grey) ** 2
    return float((spread > _STRUCTURE_LEVELS**2).mean())


def _mean_around(grey: Grey) -> Grey:
    return np.asarray(ndimage.uniform_filter(grey, _WINDOW_PX))
