"""Whatever the bytes are, the answer is a value or an `ImageError`."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from image_assets.errors import ImageError
from image_assets.imaging.container import ends_early
from image_assets.imaging.derivatives import DerivativeParams, make_derivatives
from image_assets.imaging.inspect import InspectParams, inspect_image

PIXELS = np.random.default_rng(3).integers(0, 255, (48, 40, 3), dtype=np.uint8)
MAGIC = [
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF89a",
    b"II*\x00",
    b"MM\x00*",
    b"BM",
    b"RIFF....WEBP",
    b"....ftypavif",
]


def written(format_name: str, **options: object) -> bytes:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[271] = "maker"
    Image.fromarray(PIXELS).save(file, format_name, exif=exif, **options)
    return file.getvalue()


FILES = {
    "jpeg": written("JPEG"),
    "png": written("PNG"),
    "webp": written("WEBP"),
    "tiff": written("TIFF"),
    "gif": written("GIF"),
    "bmp": written("BMP"),
    "jpeg 2000": written("JPEG2000"),
    "avif": written("AVIF"),
}


def complaint_about(data: bytes) -> str:
    """The detail of the rejection, empty when everything could be made."""
    ends_early(data)
    try:
        inspect_image(data, InspectParams(max_pixels=1_000_000))
        make_derivatives(data, DerivativeParams())
    except ImageError as error:
        return error.detail
    return ""


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_answered(data):
    assert complaint_about(data).isprintable()


@given(st.sampled_from(MAGIC), st.binary(max_size=300))
def test_arbitrary_bytes_behind_a_known_beginning_are_answered(magic, data):
    assert complaint_about(magic + data).isprintable()


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_files_are_answered(name, data):
    damaged = bytearray(FILES[name])
    at = data.draw(st.integers(0, len(damaged) - 1))
    damaged[at : at + 8] = data.draw(st.binary(min_size=1, max_size=8))
    assert complaint_about(bytes(damaged)).isprintable()


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=40, deadline=None)
@given(share=st.floats(0, 1))
def test_cut_files_are_answered(name, share):
    assert complaint_about(FILES[name][: int(len(FILES[name]) * share)]).isprintable()
