"""How opaque a picture is, in the terms of every format: an alpha channel, a transparent colour, a part left bare."""

import struct

import numpy as np
import numpy.typing as npt
import pyvips
from PIL import GifImagePlugin, Image, TiffImagePlugin

from image_assets.imaging.bmp_header import read_bitmap_alpha
from image_assets.imaging.png_chunks import find_chunk

# Pillow's modes whose colours are multiplied by their alpha -> those in which they are not.
_DIVIDED = {"RGBa": "RGBA", "La": "LA"}
_COLOURS = {"LA": "L", **dict.fromkeys(("RGBA", "RGBX", "P", "PA", "YCbCr", "HSV"), "RGB")}
_EXTRA_SAMPLES = 338
# Where a PNG says how many bits a sample has (W3C PNG, 11.2.1).
_PNG_DEPTH_AT = 24
_RIFF_HEADER_BYTES = 12


def read_opacity(image: Image.Image, data: bytes) -> Image.Image | None:
    """From 0, clear, to 255, for each pixel of a loaded picture (mode L); None where all are opaque."""
    opacity = _by_words_of_format(image, data)
    if opacity is None and image.has_transparency_data:
        divided = _divided(image)
        opacity = (divided if divided.mode == "LA" else divided.convert("RGBA")).getchannel("A")
    frame = _first_frame(image, data)
    if frame is not None and frame != (0, 0, *image.size):
        opacity = _within(frame, image.size, opacity)
    return None if opacity is None or _is_left_empty(image, opacity) else opacity


def colours_of(image: Image.Image) -> Image.Image:
    """The picture without its opacity, as grey levels, RGB, CMYK or LAB; clear pixels have colours too."""
    divided = _divided(image)
    mode = _COLOURS.get(divided.mode)
    return divided if mode is None else divided.convert(mode)


def _by_words_of_format(image: Image.Image, data: bytes) -> Image.Image | None:
    """What Pillow does not read, or not exactly."""
    if image.format == "PNG":
        return _by_colour_of_png(image, data)
    alpha = read_bitmap_alpha(data) if image.format == "BMP" else None
    return None if alpha is None else Image.fromarray(alpha)


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


def _first_frame(image: Image.Image, data: bytes) -> tuple[int, int, int, int] | None:
    """The part of an animation's canvas that its first frame covers; None for other pictures."""
    if isinstance(image, GifImagePlugin.GifImageFile):
        return image.dispose_extent
    return _first_frame_of_webp(data) if image.format == "WEBP" else None


def _first_frame_of_webp(data: bytes) -> tuple[int, int, int, int] | None:
    """The place in the first `ANMF` chunk (WebP container specification)."""
    at = _RIFF_HEADER_BYTES
    while at + 20 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        if kind == b"ANMF":
            x, y, width, height = (int.from_bytes(data[at + 8 + n : at + 11 + n], "little") for n in (0, 3, 6, 9))
            return 2 * x, 2 * y, 2 * x + width + 1, 2 * y + height + 1
        at += 8 + size + size % 2
    return None


def _within(frame: tuple[int, int, int, int], size: tuple[int, int], opacity: Image.Image | None) -> Image.Image:
    """What the first frame leaves bare of the canvas is clear."""
    covered = Image.new("L", size, 0)
    covered.paste(255 if opacity is None else opacity.crop(frame), frame)
    return covered


def _opaque_where(mask: npt.NDArray[np.bool_]) -> Image.Image:
    return Image.fromarray(np.where(mask, np.uint8(255), np.uint8(0)))
