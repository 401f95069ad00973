import io

import numpy as np
import pytest
from PIL import Image

from image_assets.imaging.encode import encode_jpeg, encode_webp

SIGNS_OF_METADATA = (
    b"Exif",
    b"http://ns.adobe.com",
    b"ICC_PROFILE",
    b"Photoshop",
    b"secret",
    b"EXIF",
    b"XMP ",
    b"ICCP",
)


@pytest.fixture
def burdened_photo(tagged_photo) -> Image.Image:
    """An opened file with all its metadata still on it."""
    image = Image.open(io.BytesIO(tagged_photo))
    image.load()
    return image


def encode_default_webp(image: Image.Image, quality: int) -> bytes:
    return encode_webp(image, quality, 2)


@pytest.mark.parametrize("encode_it", [encode_jpeg, encode_default_webp])
def test_no_metadata_is_written(burdened_photo, encode_it):
    data = encode_it(burdened_photo, 80)
    assert not [sign for sign in SIGNS_OF_METADATA if sign in data]


def test_a_jpeg_holds_nothing_but_what_decoding_needs(burdened_photo):
    data = encode_jpeg(burdened_photo, 80)
    at, markers = 2, []
    while data[at + 1] != 0xDA:
        markers.append(data[at + 1])
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    assert set(markers) <= {0xE0, 0xDB, 0xC0, 0xC4}
    assert data[2:20].hex().startswith("ffe000104a464946")


def test_the_image_keeps_its_info(burdened_photo):
    before = dict(burdened_photo.info)
    encode_jpeg(burdened_photo, 80)
    assert burdened_photo.info == before


@pytest.mark.parametrize("encode_it", [encode_jpeg, encode_default_webp])
def test_the_same_pixels_give_the_same_bytes(photo, encode_it):
    assert encode_it(photo, 80) == encode_it(photo.copy(), 80)


@pytest.mark.parametrize("encode_it", [encode_jpeg, encode_default_webp])
def test_the_picture_is_still_the_picture(photo, encode_it):
    decoded = np.asarray(Image.open(io.BytesIO(encode_it(photo, 85)))).astype(int)
    assert np.abs(decoded - np.asarray(photo)).mean() < 6
