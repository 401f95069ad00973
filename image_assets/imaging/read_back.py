"""Reading derivatives back: files of our own making, so nothing is translated but that one was damaged since.

Safe in threads, unlike `decode_image`, which changes the process's warnings while it works.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import simplejpeg
from PIL import Image, UnidentifiedImageError

from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.pixels import RgbImage
from image_assets.imaging.strict_jpeg import decode_scaled

_JPEG = b"\xff\xd8\xff"
_SCALES = (4, 2)


def read_size(data: bytes) -> tuple[int, int]:
    """Columns and rows, from the header; `ImageError` (corrupt) when it is damaged."""
    with _opened(data) as image:
        return image.size


def read_pixels(data: bytes, *, shortest_side_px: int | None = None) -> RgbImage:
    """All pixels; a JPEG may come at half or a quarter of its sides while the shorter one stays at least this.

    Raises:
        ImageError: corrupt: the file is damaged.
    """
    if data.startswith(_JPEG):
        pixels = _read_jpeg(data, shortest_side_px)
        if pixels is not None:
            return pixels
    with _opened(data) as image:
        return np.asarray(image.convert("RGB"))


def _read_jpeg(data: bytes, shortest_side_px: int | None) -> RgbImage | None:
    try:
        shortest_px = min(simplejpeg.decode_jpeg_header(data)[:2])
        scale = next((scale for scale in _SCALES if shortest_px // scale >= (shortest_side_px or shortest_px)), 1)
        return decode_scaled(data, "RGB", scale)
    except ValueError as error:
        raise _damaged(error) from error


def _damaged(error: Exception) -> ImageError:
    # Pillow names what it cannot read by an address in memory.
    told = "it is no image" if isinstance(error, UnidentifiedImageError) else error
    return ImageError(RejectionReason.CORRUPT, f"a derivative is damaged: {told}")


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG", "WEBP"]) as image:
            yield image
    except (OSError, SyntaxError, ValueError) as error:
        raise _damaged(error) from error
