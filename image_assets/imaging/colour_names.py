"""Everyday names of colours: twelve words, and the nearest of them to any pixel."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

COLOURS: Final = (
    "black",
    "white",
    "grey",
    "red",
    "pink",
    "orange",
    "yellow",
    "green",
    "blue",
    "purple",
    "brown",
    "beige",
)
"""The words, in the order in which `nearest_colours` counts them; `builtin` learned them in this order."""

_REFERENCES: Final = (
    ("black", (18, 18, 20)),
    ("black", (42, 42, 46)),
    ("white", (250, 250, 250)),
    ("white", (222, 222, 222)),
    ("grey", (160, 160, 160)),
    ("grey", (120, 120, 122)),
    ("grey", (85, 86, 90)),
    ("red", (190, 25, 40)),
    ("red", (120, 20, 35)),
    ("pink", (240, 150, 175)),
    ("pink", (220, 90, 140)),
    ("pink", (240, 200, 205)),
    ("orange", (235, 120, 40)),
    ("yellow", (240, 210, 60)),
    ("yellow", (215, 175, 40)),
    ("green", (50, 130, 70)),
    ("green", (85, 95, 60)),
    ("green", (130, 190, 130)),
    ("green", (25, 65, 45)),
    ("blue", (40, 80, 170)),
    ("blue", (30, 38, 75)),
    ("blue", (150, 185, 220)),
    ("blue", (80, 110, 150)),
    ("blue", (100, 115, 140)),
    ("blue", (48, 54, 74)),
    ("blue", (60, 170, 190)),
    ("purple", (110, 60, 140)),
    ("purple", (180, 150, 210)),
    ("brown", (105, 70, 45)),
    ("brown", (60, 40, 30)),
    ("brown", (150, 100, 65)),
    ("beige", (220, 200, 165)),
    ("beige", (190, 165, 130)),
)
"""sRGB anchors; a pixel takes the name of the nearest in CIELAB."""

_AT_ONCE: Final = 65_536
"""Pixels compared with every anchor at a time, which bounds the memory."""

_SRGB_TO_XYZ: Final = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], dtype=np.float32
)
_WHITE_D65: Final = np.array([0.9505, 1.0, 1.089], dtype=np.float32)


def name_hex_colours(colours: Sequence[str]) -> list[str]:
    """The everyday name of each colour, written as #rrggbb."""
    pixels = np.array([list(bytes.fromhex(colour[1:])) for colour in colours], dtype=np.uint8).reshape(-1, 3)
    parts = np.array_split(pixels, len(pixels) // _AT_ONCE + 1)
    return [COLOURS[index] for part in parts for index in nearest_colours(part)]


def nearest_colours(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.intp]:
    """Index into `COLOURS` of each sRGB pixel, one per row; memory grows with their number."""
    references = _to_lab(np.array([rgb for _, rgb in _REFERENCES], dtype=np.uint8))
    distances = ((_to_lab(pixels)[:, None, :] - references[None]) ** 2).sum(axis=2)
    index_of_name = np.array([COLOURS.index(name) for name, _ in _REFERENCES])
    nearest: npt.NDArray[np.intp] = index_of_name[distances.argmin(axis=1)]
    return nearest


def _to_lab(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """CIELAB (D65) of sRGB pixels, IEC 61966-2-1 and CIE 15."""
    encoded = pixels.astype(np.float32) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    ratio = linear @ _SRGB_TO_XYZ.T / _WHITE_D65
    curve = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    lightness = 116 * curve[:, 1] - 16
    green_red = 500 * (curve[:, 0] - curve[:, 1])
    blue_yellow = 200 * (curve[:, 1] - curve[:, 2])
    return np.stack([lightness, green_red, blue_yellow], axis=1).astype(np.float32)
