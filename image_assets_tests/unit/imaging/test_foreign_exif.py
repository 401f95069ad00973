"""EXIF of strangers: whatever the directories say, what is read can be stored as JSON, and stays small."""

import io
import json
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from image_assets.errors import ImageError
from image_assets.imaging.exif import MAX_RAW_TAGS
from image_assets.imaging.exif_values import MAX_LIST_ITEMS, MAX_TEXT_CHARACTERS
from image_assets.imaging.inspect import InspectParams, inspect_image

pytestmark = pytest.mark.fuzz

TAGS = sorted(tag for tag in {*ExifTags.Base, *ExifTags.GPS, *ExifTags.IFD} if 0 <= tag < 2**16)
TYPES = range(14)
"""0 and 13 and what is above 12 are none of TIFF 6."""
LARGEST_BYTES = (MAX_RAW_TAGS + 20) * (MAX_LIST_ITEMS + 1) * 6 * (MAX_TEXT_CHARACTERS + 100)
"""Each character of a text may be written as an escape."""

entries = st.tuples(
    st.sampled_from(TAGS) | st.integers(0, 65_535),
    st.sampled_from(TYPES) | st.integers(0, 65_535),
    st.integers(0, 5) | st.sampled_from([2**16, 2**31, 2**32 - 1]),
    st.binary(min_size=4, max_size=4) | st.integers(0, 300).map(lambda offset: struct.pack("<I", offset)),
)


def picture_with(block: bytes) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((20, 24, 3), 99, np.uint8)).save(file, "JPEG", exif=b"Exif\x00\x00" + block)
    return file.getvalue()


def directory(found: Sequence[tuple[int, int, int, bytes]], then: int) -> bytes:
    packed = b"".join(struct.pack("<HHI", tag, kind, count) + value for tag, kind, count, value in found)
    return struct.pack("<H", len(found)) + packed + struct.pack("<I", then)


def read(block: bytes) -> dict[str, Any]:
    try:
        return inspect_image(picture_with(block), InspectParams()).exif
    except ImageError:
        return {}


@given(st.lists(entries, max_size=12), st.lists(entries, max_size=6), st.integers(0, 300), st.binary(max_size=200))
def test_whatever_directories_say_is_read_into_json(main, others, then, rest):
    block = b"II*\x00\x08\x00\x00\x00" + directory(main, then) + directory(others, 8) + rest
    assert len(json.dumps(read(block), allow_nan=False)) < LARGEST_BYTES


@given(st.sampled_from([b"", b"II*\x00", b"MM\x00*", b"II+\x00"]), st.binary(max_size=400))
def test_whatever_stands_in_the_place_of_exif_is_read_into_json(mark, data):
    assert len(json.dumps(read(mark + data), allow_nan=False)) < LARGEST_BYTES


@given(st.sampled_from(sorted(ExifTags.Base)), st.text(max_size=300) | st.integers(0, 2**32 - 1) | st.floats())
def test_a_tag_of_any_value_is_read_into_json(tag, value):
    exif = Image.Exif()
    exif[tag] = value
    try:
        block = exif.tobytes().removeprefix(b"Exif\x00\x00")
    # What Pillow does not write no picture has from it.
    except Exception:  # noqa: BLE001 - it documents no errors
        return
    assert len(json.dumps(read(block), allow_nan=False)) < LARGEST_BYTES
