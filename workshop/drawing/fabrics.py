"""Colours and patterns: the bolt of cloth that panels are cut from."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw

Rgb: TypeAlias = tuple[int, int, int]
"""Red, green, blue; 0 to 255, sRGB."""

COLOURS: Mapping[str, Rgb] = MappingProxyType(
    {
        "black": (34, 33, 36),
        "white": (232, 231, 227),
        "grey": (132, 134, 138),
        "red": (190, 32, 42),
        "blue": (46, 92, 172),
        "navy": (33, 42, 76),
        "green": (44, 122, 74),
        "yellow": (232, 192, 58),
        "orange": (228, 120, 40),
        "pink": (232, 140, 168),
        "purple": (112, 62, 140),
        "brown": (110, 72, 48),
        "beige": (208, 186, 152),
    }
)
"""The colour names of a marketplace."""

_OVERSAMPLING = 4


def jittered(colour: Rgb, rng: np.random.Generator, spread: float = 9.0) -> Rgb:
    """A neighbour of the colour: another dye, another lamp."""
    shifted = np.asarray(colour) + rng.normal(0, spread * 0.6) + rng.normal(0, spread * 0.7, 3)
    red, green, blue = np.clip(shifted, 8, 247).astype(int).tolist()
    return red, green, blue


def darker(colour: Rgb, factor: float) -> Rgb:
    """The colour times `factor`, 0 to about 1."""
    return int(colour[0] * factor), int(colour[1] * factor), int(colour[2] * factor)


def _striped(tile: Image.Image, ink: Rgb, rng: np.random.Generator) -> None:
    tile.paste(ink, (0, 0, tile.width, round(tile.height * rng.uniform(0.25, 0.55))))


def _pinstriped(tile: Image.Image, ink: Rgb, rng: np.random.Generator) -> None:
    tile.paste(ink, (0, 0, round(tile.width * rng.uniform(0.15, 0.4)), tile.height))


def _checked(tile: Image.Image, ink: Rgb, rng: np.random.Generator) -> None:
    """Gingham: a weft over a warp, each half transparent."""
    side, band = tile.width, round(tile.width * rng.uniform(0.35, 0.5))
    for box in ((0, 0, band, side), (0, 0, side, band)):
        tile.paste(ink, box, Image.new("L", (box[2], box[3]), 140))


def _dotted(tile: Image.Image, ink: Rgb, rng: np.random.Generator) -> None:
    radius = rng.uniform(0.13, 0.2)
    for place in (0.25, 0.75):
        _disc(tile, place, place, radius, ink)


def _floral(tile: Image.Image, ink: Rgb, rng: np.random.Generator) -> None:
    for x, y in ((0.25, 0.3), (0.72, 0.22), (0.48, 0.72)):
        radius, turn = rng.uniform(0.07, 0.1), rng.uniform(0, np.pi)
        for angle in turn + np.arange(5) * 2 * np.pi / 5:
            _disc(tile, x + np.cos(angle) * radius, y + np.sin(angle) * radius, radius * 0.75, ink)
        _disc(tile, x, y, radius * 0.5, COLOURS["yellow"])
        _disc(tile, x + radius * 2.4, y + radius * 1.2, radius * 0.5, COLOURS["green"])


def _disc(tile: Image.Image, x: float, y: float, radius: float, ink: Rgb) -> None:
    """A disc; place and radius as shares of the tile's side."""
    left, top, right, bottom = (tile.width * edge for edge in (x - radius, y - radius, x + radius, y + radius))
    ImageDraw.Draw(tile).ellipse((left, top, right, bottom), fill=ink)


_Motif: TypeAlias = Callable[[Image.Image, Rgb, np.random.Generator], None]
"""Draws one repeat of a pattern onto a square tile of the ground colour."""

_MOTIFS: Mapping[str, tuple[_Motif, tuple[float, float]]] = MappingProxyType(
    {
        "striped": (_striped, (0.03, 0.09)),
        "pinstriped": (_pinstriped, (0.012, 0.03)),
        "checked": (_checked, (0.03, 0.1)),
        "dotted": (_dotted, (0.035, 0.09)),
        "floral": (_floral, (0.13, 0.24)),
    }
)
"""Motif and the range of its repeat, as a share of the bolt's side."""

PATTERNS = ("plain", "two-tone", *_MOTIFS)
"""What `weave` can make."""


def weave(pattern: str, ground: Rgb, ink: Rgb, side: int, rng: np.random.Generator) -> Image.Image:
    """A square RGB bolt of cloth, `side` pixels; KeyError for an unknown pattern."""
    if pattern == "plain":
        return Image.new("RGB", (side, side), ground)
    if pattern == "two-tone":
        return _two_tone(ground, ink, side, rng)
    motif, (smallest, largest) = _MOTIFS[pattern]
    repeat = max(4, round(side * rng.uniform(smallest, largest)))
    tile = Image.new("RGB", (repeat * _OVERSAMPLING,) * 2, ground)
    motif(tile, ink, rng)
    small = np.asarray(tile.reduce(_OVERSAMPLING))
    times = -(-side // repeat)
    return Image.fromarray(np.tile(small, (times, times, 1))[:side, :side])


def _two_tone(ground: Rgb, ink: Rgb, side: int, rng: np.random.Generator) -> Image.Image:
    bolt = Image.new("RGB", (side, side), ground)
    top = int(side * rng.uniform(0.42, 0.62))
    bottom = side if rng.random() < 0.6 else top + int(side * rng.uniform(0.06, 0.15))
    bolt.paste(ink, (0, top, side, bottom))
    return bolt
