"""Whatever the bytes are, the answer is a value or an `ImageError`."""

import io
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from image_assets.errors import ImageError
from image_assets.imaging.container import ends_early
from image_assets.imaging.derivatives import DerivativeParams, make_derivatives
from image_assets.imaging.inspect import InspectParams, inspect_image

pytestmark = pytest.mark.fuzz

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


def written(format_name: str, *, mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[271] = "maker"
    Image.fromarray(PIXELS).convert(mode).save(file, format_name, exif=exif, **options)
    return file.getvalue()


def moving(format_name: str) -> bytes:
    file = io.BytesIO()
    first, *others = (Image.fromarray(np.roll(PIXELS, shift, axis=1)) for shift in (0, 5, 11))
    first.save(file, format_name, save_all=True, append_images=others)
    return file.getvalue()


FILES = {
    "jpeg": written("JPEG"),
    "progressive jpeg": written("JPEG", progressive=True),
    "jpeg of ink": written("JPEG", mode="CMYK"),
    "png": written("PNG"),
    "png of a palette": written("PNG", mode="P"),
    "png in motion": moving("PNG"),
    "webp": written("WEBP"),
    "lossless webp": written("WEBP", lossless=True),
    "webp in motion": moving("WEBP"),
    "tiff": written("TIFF"),
    "tiff, lzw": written("TIFF", compression="tiff_lzw"),
    "tiff, deflate": written("TIFF", compression="tiff_deflate"),
    "tiff, jpeg": written("TIFF", compression="jpeg"),
    "tiff, fax": written("TIFF", mode="1", compression="group4"),
    "gif": written("GIF"),
    "gif in motion": moving("GIF"),
    "bmp": written("BMP"),
    "jpeg 2000": written("JPEG2000"),
    "avif": written("AVIF"),
}
LENGTHS = [bytes([value] * width) for width in (1, 2, 4, 8) for value in (0, 1, 0x7F, 0x80, 0xFF)]
"""What readers of lengths, counts and offsets stumble over."""

pieces = st.one_of(st.binary(max_size=12), st.sampled_from(LENGTHS))
edits = st.lists(
    st.tuples(
        st.sampled_from(["overwrite", "insert", "remove", "repeat", "move"]), st.floats(0, 1), st.floats(0, 1), pieces
    ),
    min_size=1,
    max_size=6,
)


def edited(data: bytes, changes: Sequence[tuple[str, float, float, bytes]]) -> bytes:
    """Each change somewhere, by its share of the length; most in the first half, where the headers are."""
    for how, where, other, piece in changes:
        at, length = int(where * where * len(data)), 1 + int(other * len(data) / 4)
        end = at + (len(piece) if how == "overwrite" else 0 if how == "insert" else length)
        middle = {"overwrite": piece, "insert": piece, "repeat": 2 * data[at:end], "move": data[-length:]}.get(how, b"")
        data = data[:at] + middle + data[end:]
    return data


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


@given(st.sampled_from(sorted(FILES)), edits)
def test_damaged_files_are_answered(name, changes):
    assert complaint_about(edited(FILES[name], changes)).isprintable()


@given(st.sampled_from(sorted(FILES)), st.floats(0, 1))
def test_cut_files_are_answered(name, share):
    assert complaint_about(FILES[name][: int(len(FILES[name]) * share)]).isprintable()


@given(st.sampled_from(sorted(FILES)), st.sampled_from(sorted(FILES)), st.floats(0, 1), st.floats(0, 1))
def test_files_that_go_on_as_another_one_are_answered(name, other, share, rest):
    first, second = FILES[name], FILES[other]
    assert complaint_about(first[: int(len(first) * share)] + second[int(len(second) * rest) :]).isprintable()
