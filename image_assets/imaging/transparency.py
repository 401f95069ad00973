"""How opaque a picture is, in the terms of every format: an alpha channel, a transparent colour, a part left bare."""

import struct

import numpy as np
import numpy.typing as npt
import pyvips
from PIL import GifImagePlugin, Image, TiffImagePlugin

from image_assets.imaging.png_chunks import find_chunk

# Pillow's modes whose colours are multiplied by their alpha -> those in which they are not.
_DIVIDED = {"RGBa": "RGBA", "La": "LA"}
_COLOURS = {"LA": "L", **dict.fromkeys(("RGBA", "RGBX", "P", "PA", "YCbCr", "HSV"), "RGB")}
_EXTRA_SAMPLES = 338
# Where a PNG says how many bits a sample has (W3C PNG, 11.2.1).
_PNG_DEPTH_AT = 24


def read_opacity(image: Image.Image, data: bytes) -> Image.Image | None:
    """From 0, clear, to 255, for each pixel of a loaded picture (mode L); None where all are opaque."""
    opacity = _by_colour_of_png(image, data) if image.format == "PNG" else None
    if opacity is None and image.has_transparency_data:
        divided = _divided(image)
        opacity = (divided if divided.mode == "LA" else divided.convert("RGBA")).getchannel("A")
    if isinstance(image, GifImagePlugin.GifImageFile):
        opacity = _within_first_frame(image, opacity)
    return None if opacity is None or _is_left_empty(image, opacity) else opacity


def colours_of(image: Image.Image) -> Image.Image:
    """The picture without its opacity, as grey levels, RGB, CMYK or LAB; clear pixels have colours too."""
    divided = _divided(image)
    mode = _COLOURS.get(divided.mode)
    return divided if mode is None else divided.convert(mode)


def _divided(image: Image.Image) -> Image.Image:
    return image.convert(_DIVIDED[image.mode]) if image.mode in _DIVIDED else image


def _is_left_empty(image: Image.Image, opacity: Image.Image) -> bool:
    """Whether it is the fourth sample of a format whose writers often leave it empty: then it says nothing."""
    is_doubtful = image.format == "BMP" or (
        isinstance(image, TiffImagePlugin.TiffImageFile) and _EXTRA_SAMPLES not in image.tag_v2
    )
    return is_doubtful and opacity.getextrema() == (0, 0)


def _by_colour_of_png(image: Image.Image, data: bytes) -> Image.Image | None:
    """By the one grey level or colour that `tRNS` names, as exactly as the file stores it (W3C PNG, 11.3.1.1)."""
    colour = find_chunk(data, b"tRNS") if image.mode in ("1", "L", "I;16", "RGB") else None
    if colour is None:
        return None
    depth = data[_PNG_DEPTH_AT]
    if image.mode == "RGB" and depth == 16:
        return _by_deep_colour(data)
    largest = (1 << depth) - 1
    clear = np.array(struct.unpack(f">{len(colour) // 2}H", colour)) & largest
    levels = np.asarray(image.convert("L") if image.mode == "1" else image)
    if depth < 16:
        # Pillow spreads the levels of 1, 2 and 4 bits over 8.
        clear = clear * 255 // largest
    return _opaque_where((np.atleast_3d(levels) != clear).any(axis=-1))


def _by_deep_colour(data: bytes) -> Image.Image:
    """Of 16 bits a sample Pillow keeps 8, in which several colours are one; libvips compares all."""
    return _opaque_where(pyvips.Image.new_from_buffer(data, "")[-1].numpy() > 0)


def _within_first_frame(image: GifImagePlugin.GifImageFile, opacity: Image.Image | None) -> Image.Image | None:
    """What the first frame of a GIF leaves bare of its canvas is clear."""
    frame = image.dispose_extent
    if frame is None or frame == (0, 0, *image.size):
        return opacity
    covered = Image.new("L", image.size, 0)
    covered.paste(255 if opacity is None else opacity.crop(frame), frame)
    return covered


def _opaque_where(mask: npt.NDArray[np.bool_]) -> Image.Image:
    return Image.fromarray(np.where(mask, np.uint8(255), np.uint8(0)))
