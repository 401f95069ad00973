"""Pictures to the bytes of a file."""

import io
from typing import Any

from PIL import Image


def encode(picture: Image.Image, format_name: str, **options: Any) -> bytes:
    """The picture as a file of Pillow's format `format_name`; options go to Pillow's writer."""
    buffer = io.BytesIO()
    picture.save(buffer, format_name, **options)
    return buffer.getvalue()


def decode(data: bytes) -> Image.Image:
    """The pixels of a file that this package made, upright or not, as they are stored."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture
