"""Any pixel layout to 8-bit sRGB.

Rules: samples are seen through the profile of their file, then transparency is laid on white. 16-bit greyscale maps
its whole range, 0 to 65535, to 0 to 255 (a 12-bit TIFF its 0 to 4095). For 32-bit integers and floats, whose range no
format states, black is 0, or the lowest value if that is negative, and white is the highest value, but at least 1:
scaled, never clipped.
"""

import io
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, TiffImagePlugin

from image_assets.imaging.transparency import colours_of

_BACKGROUND = (255, 255, 255)
_WIDE_MODES = frozenset(("I", "F", "I;16", "I;16L", "I;16B", "I;16N"))
_BITS_PER_SAMPLE = 258
# A profile that moves no colour further than this (of 255) is sRGB to the eye and to a JPEG.
_SRGB_TOLERANCE = 2
_PROBE_LEVELS = (0, 32, 64, 96, 128, 160, 192, 224, 255)


def is_srgb(mode: str, profile: bytes | None) -> bool:
    """Whether `to_srgb` would leave the pixels of an opaque image as they are."""
    return mode == "RGB" and not (profile and _transform_from(profile, "RGB"))


def to_srgb(image: Image.Image, profile: bytes | None, opacity: Image.Image | None) -> Image.Image:
    """The loaded image in mode RGB.

    Args:
        image: in any mode.
        profile: what its samples mean; a broken one, or one of another colour model, is ignored.
        opacity: mode L; None for an opaque image. Colours are blended with the background as sRGB.
    """
    coloured = colours_of(_to_eight_bits(image))
    shown = _transformed(coloured, profile) or _plain_rgb(coloured)
    if opacity is None:
        return shown
    opaque = Image.new("RGB", image.size, _BACKGROUND)
    opaque.paste(shown, mask=opacity)
    return opaque


def _to_eight_bits(image: Image.Image) -> Image.Image:
    if image.mode not in _WIDE_MODES:
        return image
    # Single precision, in place: a large scan takes gigabytes otherwise.
    values = np.nan_to_num(np.asarray(image).astype(np.float32), copy=False, posinf=0.0, neginf=0.0)
    black, white = _black_and_white(image, values)
    values -= black
    values *= 255 / (white - black)
    levels = np.clip(np.rint(values, out=values), 0, 255, out=values).astype(np.uint8)
    return Image.fromarray(levels)


def _black_and_white(image: Image.Image, values: npt.NDArray[np.float32]) -> tuple[float, float]:
    if image.mode in ("I", "F"):
        return min(0.0, float(values.min())), max(1.0, float(values.max()))
    return 0.0, float((1 << _bits_per_sample(image)) - 1)


def _bits_per_sample(image: Image.Image) -> int:
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return int(image.tag_v2.get(_BITS_PER_SAMPLE, (16,))[0])
    return 16


def _plain_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "LAB":
        return ImageCms.applyTransform(image, _transform_from_lab()) or image
    # Converting RGB to RGB would copy, and fresh memory costs more than the pixels.
    return image if image.mode == "RGB" else image.convert("RGB")


def _transformed(image: Image.Image, profile: bytes | None) -> Image.Image | None:
    """The image through its profile; None where there is none, it is sRGB already, or it is of no use."""
    if not profile or image.mode == "1":
        return None
    transform = _transform_from(profile, image.mode)
    if transform is None and image.mode == "L":
        # A grey picture may come in the space of a coloured one.
        image, transform = image.convert("RGB"), _transform_from(profile, "RGB")
    return None if transform is None else ImageCms.applyTransform(image, transform)


@lru_cache(maxsize=32)
def _transform_from(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From an embedded profile (ICC.1) to sRGB; None if broken, of another mode, or without effect."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(source, _srgb(), mode, "RGB")
        if mode == "RGB" and _changes_nothing(transform):
            return None
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    levels = np.array(_PROBE_LEVELS, dtype=np.uint8)
    probe = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(len(levels), -1, 3)
    seen = ImageCms.applyTransform(Image.fromarray(probe), transform)
    return bool(np.abs(np.asarray(seen).astype(int) - probe).max() <= _SRGB_TOLERANCE)


@lru_cache(maxsize=1)
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@lru_cache(maxsize=1)
def _transform_from_lab() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(ImageCms.createProfile("LAB"), _srgb(), "LAB", "RGB")
