import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

Encode = Callable[..., bytes]


@pytest.fixture
def encode() -> Encode:
    """An image as a file in memory."""

    def encoded(image: Image.Image, format_name: str, **options: object) -> bytes:
        file = io.BytesIO()
        image.save(file, format_name, **options)
        return file.getvalue()

    return encoded


@pytest.fixture
def photo() -> Image.Image:
    """600 x 400: smooth colours, a white disc in the upper left quarter, fine grain; no two sides alike."""
    rows, columns = np.mgrid[0:400, 0:600]
    grain = np.random.default_rng(7).integers(-8, 9, (400, 600))
    red = 40 + columns * 0.3 + grain
    green = 200 - rows * 0.4 + grain
    blue = 120 + 60 * np.sin(columns / 40) + grain
    pixels = np.stack([red, green, blue], axis=-1)
    pixels[(rows - 100) ** 2 + (columns - 130) ** 2 < 60**2] = 250
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


@pytest.fixture
def tagged_photo(photo: Image.Image, encode: Encode) -> bytes:
    """A JPEG with EXIF, GPS, XMP, a comment and an ICC profile."""
    from PIL import ImageCms

    exif = Image.Exif()
    exif[271], exif[272] = "SecretMaker", "SecretModel"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (48.0, 8.0, 0.0)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>secret</x:xmpmeta>"
    return encode(photo, "JPEG", quality=90, exif=exif, xmp=xmp, comment="secret", icc_profile=profile)
