"""Bringing a picture into the shape in which it was meant to be seen: cropped, upright.

EXIF and XMP tell one of eight orientations. AVIF and HEIC tell crops, turns and mirrors of their own, in the order in
which they apply, and only those count: of EXIF they say that its orientation is for information (ISO/IEC 23008-12,
A.2.1). What XMP says counts where EXIF says nothing; a GIF, which no viewer turns, is not asked.
"""

import math
from collections.abc import Iterable

from PIL import ExifTags, Image

from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.boxes import Box
from image_assets.imaging.exif_source import load_exif
from image_assets.imaging.item_properties import picture_properties, read_clean_aperture

# EXIF orientation (CIPA DC-008, tag 274) -> what brings it upright; 1 and anything else stay.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Quarters of a turn, anti-clockwise (`irot`), and which sides change places (`imir`).
_ROTATIONS = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}
_MIRRORS = (Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.FLIP_LEFT_RIGHT)
_TRANSFORMED_BY_PROPERTIES = frozenset(("AVIF", "HEIF"))


def read_orientation(image: Image.Image, data: bytes) -> int:
    """What is left to be done to the decoded picture, 1 to 8; 1 when absent, invalid or unreadable."""
    if image.format in _TRANSFORMED_BY_PROPERTIES:
        return 1
    try:
        value = load_exif(image, data).get(ExifTags.Base.Orientation)
    # Foreign: a broken EXIF block may raise anything, and must not cost the picture.
    except Exception:  # noqa: BLE001
        return 1
    return value if isinstance(value, int) and value in _UPRIGHT else 1


def told_orientation(image: Image.Image, data: bytes) -> int | None:
    """What the turns and mirrors of an AVIF or HEIC amount to as an EXIF orientation; None for other formats."""
    if image.format not in _TRANSFORMED_BY_PROPERTIES:
        return None
    probe = _probe()
    for box in picture_properties(data):
        probe = _turned(probe, box)
    seen = probe.tobytes()
    return next((value for value in _UPRIGHT if turn_upright(_probe(), value).tobytes() == seen), 1)


def turn_upright(image: Image.Image, orientation: int) -> Image.Image:
    """The image as it was seen; the same object where nothing is to be done."""
    method = _UPRIGHT.get(orientation)
    return image if method is None else image.transpose(method)


def as_told(image: Image.Image, properties: Iterable[Box]) -> Image.Image:
    """The decoded item as its properties want it seen.

    Raises:
        ImageError: corrupt: the crop is damaged or leaves nothing.
    """
    for box in properties:
        image = image.crop(_crop_box(image.size, box.content)) if box.kind == b"clap" else _turned(image, box)
    return image


def size_as_told(size: tuple[int, int], properties: Iterable[Box]) -> tuple[int, int]:
    """Columns and rows of a decoded item after `as_told`; raises what that raises."""
    for box in properties:
        if box.kind == b"clap":
            left, top, right, bottom = _crop_box(size, box.content)
            size = right - left, bottom - top
        elif box.kind == b"irot" and box.content and box.content[0] & 1:
            size = size[::-1]
    return size


def _turned(image: Image.Image, box: Box) -> Image.Image:
    value = box.content[0] if box.content else 0
    method = None
    if box.kind == b"irot":
        method = _ROTATIONS.get(value & 3)
    elif box.kind == b"imir":
        method = _MIRRORS[value & 1]
    return image if method is None else image.transpose(method)


def _crop_box(size: tuple[int, int], content: memoryview) -> tuple[int, int, int, int]:
    """Left, top, right and bottom; no pixel that lies outside even in part is shown."""
    aperture = read_clean_aperture(content)
    left = (size[0] - aperture.width) / 2 + aperture.right
    top = (size[1] - aperture.height) / 2 + aperture.down
    right, bottom = left + aperture.width, top + aperture.height
    box = (
        max(0, math.ceil(left)),
        max(0, math.ceil(top)),
        min(size[0], math.floor(right)),
        min(size[1], math.floor(bottom)),
    )
    if box[0] >= box[2] or box[1] >= box[3]:
        raise ImageError(RejectionReason.CORRUPT, "the crop that it tells leaves nothing")
    return box


def _probe() -> Image.Image:
    """Four pixels, by which each of the eight orientations is told from the others."""
    return Image.frombytes("L", (2, 2), bytes(range(4)))
