"""What a header announces is what bronze finds: nothing is refused at the door that a run would have accepted."""

import random
import struct

import pytest
from PIL import Image

from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.announced import HEAD_BYTES, announced_size, check_head
from image_assets.imaging.formats import HAS_HEIC
from image_assets.imaging.inspect import InspectParams, inspect_image

LIMITS = InspectParams()
KINDS = [
    ("JPEG", {}),
    ("JPEG", {"progressive": True}),
    ("PNG", {}),
    ("BMP", {}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
    ("WEBP", {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"}),
    ("TIFF", {}),
    ("AVIF", {}),
    *([("HEIF", {})] if HAS_HEIC else []),
]


def refusal(data: bytes, limits: InspectParams = LIMITS) -> tuple[RejectionReason, str] | None:
    try:
        check_head(data[:HEAD_BYTES], limits)
    except ImageError as error:
        return error.reason, error.detail
    return None


def refusal_of_bronze(data: bytes, limits: InspectParams = LIMITS) -> tuple[RejectionReason, str] | None:
    try:
        inspect_image(data, limits)
    except ImageError as error:
        return error.reason, error.detail
    return None


@pytest.mark.parametrize(("kind", "options"), KINDS, ids=str)
def test_the_size_is_that_of_the_picture(photo, encode, kind, options):
    data = encode(photo, kind, **options)
    header = inspect_image(data, LIMITS)
    assert announced_size(data) == (header.width_px, header.height_px)


@pytest.mark.parametrize(("kind", "options"), KINDS, ids=str)
@pytest.mark.parametrize(
    "limits", [InspectParams(max_pixels=99), InspectParams(min_side_px=2_000), InspectParams(max_aspect=1.01)], ids=str
)
def test_a_size_outside_the_limits_is_refused_in_the_words_of_bronze(photo, encode, kind, options, limits):
    data = encode(photo, kind, **options)
    assert refusal(data, limits) == refusal_of_bronze(data, limits) is not None


@pytest.mark.parametrize(
    "data", [b"<html></html>", b"%PDF-1.7", b"\0" * 64, b"GIF87", b"<svg xmlns=''>", b"x"], ids=ascii
)
def test_what_is_no_picture_is_refused_in_the_words_of_bronze(data):
    assert refusal(data) == refusal_of_bronze(data) is not None


def test_a_size_behind_the_first_bytes_is_left_to_bronze(photo, encode):
    data = encode(photo, "JPEG")
    padded = data[:2] + (b"\xff\xe2" + struct.pack(">H", 65_000) + bytes(64_998)) * 5 + data[2:]
    assert announced_size(padded[:HEAD_BYTES]) is None
    assert refusal(padded, InspectParams(max_pixels=9)) is None


def test_what_the_door_refuses_bronze_refuses_whatever_was_damaged(photo, encode):
    chance = random.Random(7)
    files = [encode(photo.resize((40, 30)), kind, **options) for kind, options in KINDS]
    for _ in range(1_500):
        data = bytearray(chance.choice(files))
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(min(len(data), 120))] = chance.randrange(256)
        if refusal(bytes(data)):
            assert refusal_of_bronze(bytes(data)), bytes(data)[:120]


def test_a_gif_whose_frame_is_larger_than_its_screen_is_left_to_bronze():
    assert announced_size(b"GIF89a" + struct.pack("<HH", 1, 1) + bytes(20)) is None


def test_a_bomb_is_refused_at_the_door():
    header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    assert refusal(header) == (RejectionReason.TOO_MANY_PIXELS, "60000 x 60000 pixels; at most 178000000 in all")


def test_no_decoder_is_called(photo, encode, monkeypatch):
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("strangers' bytes were opened")

    monkeypatch.setattr(Image, "open", forbidden)
    for kind, options in KINDS:
        assert refusal(encode(photo, kind, **options)) is None
