"""Reading derivatives back: files of our own making, so nothing is translated but that one was damaged since.

Safe in threads, unlike `decode_image`, which changes the process's warnings while it works.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from image_assets.errors import ImageError, RejectionReason

RgbImage: TypeAlias = npt.NDArray[np.uint8]
"""uint8, rows x columns x 3, sRGB."""


def read_size(data: bytes) -> tuple[int, int]:
    """Columns and rows, from the header; `ImageError` (corrupt) when it is damaged."""
    with _opened(data) as image:
        return image.size


def read_pixels(data: bytes) -> RgbImage:
    """All pixels; `ImageError` (corrupt) when the file is damaged."""
    with _opened(data) as image:
        return np.asarray(image.convert("RGB"))


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG", "WEBP"]) as image:
            yield image
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageError(RejectionReason.CORRUPT, f"a derivative is damaged: {error}") from error
