"""Sixty real photos of clothes, and the many products that are made of them: another dye, another part, another light.

Where they come from, and under which licence, is told beside them in photos/SOURCES.md.
"""

import cmath
import functools
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from image_assets.samples.encoding import decode

Size: TypeAlias = tuple[int, int]
"""Width and height, pixels."""

_HUES: Mapping[str, tuple[int | None, ...]] = MappingProxyType(
    {
        "t-shirt": (132, 239, 236, 164, None, None),
        "longsleeve": (247, 236, 160, 104, None, None),
        "shirt": (133, 241, 245, 129, None, None),
        "dress": (164, 6, 137, 239, None, None),
        "skirt": (149, 3, 250, None, None, None),
        "pants": (2, 97, 158, 253, None, None),
        "shorts": (139, 129, 244, 239, None, None),
        "outwear": (127, 0, 151, 238, None, None),
        "shoes": (247, None, None, 243, None, None),
        "hat": (250, 133, 239, None, None, None),
    }
)
"""By label, the hue (0 to 255) of the cloth in each photo; None where it has none that can be changed alone."""

LABELS = tuple(_HUES)
"""The ten classes of a clothing marketplace."""

_THIRD: Final = cmath.rect(1, math.tau / 3)
_DYES: Final[tuple[tuple[complex, bool], ...]] = ((1, False), (_THIRD, True), (_THIRD.conjugate(), False))
_FADED: Final = (0.25, False)
_SAME_HUE, _OTHER_HUE = 12, 24
_GREY, _VIVID = 35, 75
_VIEWS: Final = ((1.0, 0.0, 0.0, 0.0), (0.75, -1.0, -1.0, 6.0), (0.75, 1.0, 1.0, -6.0))
# A copy may have lost its colours: what is faded is seen from elsewhere.
_VIEWS_OF_FADED: Final = ((0.75, 1.0, -1.0, -6.0), (0.75, -1.0, 1.0, 6.0))


@dataclass(frozen=True, slots=True)
class Product:
    """What a photo shows.

    Attributes:
        label: one of `LABELS`.
        number: which photo of the label, from 1.
        dye: what turns (angle) and fades (length) the colour of its cloth, Cb + i Cr.
        is_mirrored: whether left is right.
        view: side of what is seen as a share of the photo, where it lies from left and top (-1 to 1), tilt in degrees.
    """

    label: str
    number: int
    dye: complex
    is_mirrored: bool
    view: tuple[float, float, float, float]


PRODUCTS: Final = tuple(
    Product(label, number, dye, is_mirrored, view)
    for label, hues in _HUES.items()
    for number, hue in enumerate(hues, 1)
    for (dye, is_mirrored), view in (
        *itertools.product(_DYES[:1] if hue is None else _DYES, _VIEWS),
        *itertools.product([_FADED], _VIEWS_OF_FADED),
    )
)
"""No two of them are copies of each other by the platform's own rules."""


def take_photo(product: Product, rng: np.random.Generator, long_side_px: int) -> Image.Image:
    """An RGB photo of the product; every call takes another one: by another hand, in another light."""
    seen = _framed(_dyed(product), product, rng, long_side_px)
    light = np.float32(rng.uniform(0.88, 1.1) * rng.uniform(0.97, 1.03, 3))
    grain = rng.standard_normal((seen.height, seen.width, 1), np.float32) * np.float32(rng.uniform(1, 4))
    return Image.fromarray((np.asarray(seen) * light + grain).clip(0, 255).astype(np.uint8))


@functools.cache
def _stock(label: str, number: int) -> Image.Image:
    return decode(files(__package__).joinpath("photos", f"{label}-{number}.jpg").read_bytes())


def _dyed(product: Product) -> Image.Image:
    """The photo with the cloth, told by its hue, in another colour of the same brightness."""
    photo, hue = _stock(product.label, product.number), _HUES[product.label][product.number - 1]
    if hue is None or product.dye == 1:
        return photo
    hues, saturations, _ = photo.convert("HSV").split()
    is_cloth = ImageChops.multiply(
        hues.point([_ramp(abs((value - hue + 128) % 256 - 128), _OTHER_HUE, _SAME_HUE) for value in range(256)]),
        saturations.point([_ramp(value, _GREY, _VIVID) for value in range(256)]),
    )
    mask = is_cloth.filter(ImageFilter.GaussianBlur(1))
    return Image.composite(_coloured(photo, product.dye), photo, mask)


def _coloured(photo: Image.Image, dye: complex) -> Image.Image:
    """All of it in other colours; the brightness stays."""
    luma, blue, red = np.moveaxis(np.asarray(photo.convert("YCbCr"), dtype=np.float32), -1, 0)
    chroma = ((blue - 128) + 1j * (red - 128)) * dye
    pixels = np.stack([luma, chroma.real + 128, chroma.imag + 128], axis=-1)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8), "YCbCr").convert("RGB")


def _ramp(value: float, none: float, whole: float) -> int:
    """0 at `none` and beyond, 255 at `whole` and beyond, a straight line between them."""
    return round(255 * min(1.0, max(0.0, (value - none) / (whole - none))))


def _framed(photo: Image.Image, product: Product, rng: np.random.Generator, long_side_px: int) -> Image.Image:
    """The product's view of the photo, held a little differently each time."""
    side, right, down, tilt = product.view
    turn = cmath.rect(side, math.radians(tilt + rng.normal(0, 0.7)))
    middle = np.array(photo.size) / 2
    # Left top, left bottom, right bottom, right top, as the transformation wants them.
    corners = np.array([complex(*sign * middle) for sign in np.array([(-1, -1), (-1, 1), (1, 1), (1, -1)])]) * turn
    corners = np.stack([corners.real, corners.imag], axis=-1)
    reach = corners.max(axis=0)
    corners *= min(1, *middle / reach)
    corners += middle + (middle - corners.max(axis=0)) * (right, down)
    if product.is_mirrored:
        corners = corners[::-1]
    width, height = (round(edge * long_side_px / max(photo.size)) for edge in photo.size)
    return photo.transform((width, height), Image.Transform.QUAD, corners.ravel().tolist(), Image.Resampling.BICUBIC)
