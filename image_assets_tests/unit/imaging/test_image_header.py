import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.inspect import InspectParams, inspect_image

LIMITS = InspectParams()


def reason_of(data: bytes, limits: InspectParams = LIMITS) -> RejectionReason:
    with pytest.raises(ImageError) as caught:
        inspect_image(data, limits)
    assert "\n" not in caught.value.detail
    return caught.value.reason


def png_header(width_px: int, height_px: int) -> bytes:
    ihdr = b"IHDR" + struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    idat = b"IDAT" + zlib.compress(b"\x00")
    chunks = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (ihdr, idat, b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_nothing_is_empty():
    assert reason_of(b"") is RejectionReason.EMPTY


def test_more_bytes_than_allowed_are_too_large(photo, encode):
    assert reason_of(encode(photo, "PNG"), InspectParams(max_bytes=1000)) is RejectionReason.TOO_LARGE


@pytest.mark.parametrize("data", [b"just text", b"\x00" * 100, bytes(range(256)), b"<html></html>"])
def test_garbage_is_not_an_image(data):
    assert reason_of(data) is RejectionReason.NOT_AN_IMAGE


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "EPS"),
        (b"%PDF-1.7\n", "PDF"),
        (b"8BPS\x00\x01", "PSD"),
        (b"\x00\x00\x01\x00\x01\x00", "ICO"),
        (b"P6\n2 2\n255\n", "PNM"),
        (b"\x00\x00\x00\x18ftypisom", "MP4"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "RIFF"),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1jpeg", "HEIF without HEVC"),
    ],
)
def test_a_known_format_outside_the_list_is_named(data, name):
    with pytest.raises(ImageError, match=name) as caught:
        inspect_image(data, LIMITS)
    assert caught.value.reason is RejectionReason.UNSUPPORTED_FORMAT


def test_a_bomb_is_told_from_its_header():
    assert reason_of(png_header(20_000, 20_000)) is RejectionReason.TOO_MANY_PIXELS


def test_pixels_over_a_lower_limit_are_too_many(photo, encode):
    assert reason_of(encode(photo, "PNG"), InspectParams(max_pixels=1000)) is RejectionReason.TOO_MANY_PIXELS


def test_a_side_under_the_minimum_is_too_small(encode):
    assert reason_of(encode(Image.new("RGB", (15, 100)), "PNG")) is RejectionReason.TOO_SMALL


def test_a_ribbon_has_a_bad_aspect(encode):
    assert reason_of(encode(Image.new("RGB", (20, 401)), "PNG")) is RejectionReason.BAD_ASPECT


def test_the_limits_themselves_are_allowed(encode):
    header = inspect_image(encode(Image.new("RGB", (16, 320)), "PNG"), LIMITS)
    assert (header.width_px, header.height_px) == (16, 320)


@pytest.mark.parametrize(
    ("format_name", "mime", "extension"),
    [
        ("JPEG", "image/jpeg", "jpg"),
        ("PNG", "image/png", "png"),
        ("WEBP", "image/webp", "webp"),
        ("TIFF", "image/tiff", "tif"),
        ("GIF", "image/gif", "gif"),
        ("BMP", "image/bmp", "bmp"),
        ("AVIF", "image/avif", "avif"),
        ("JPEG2000", "image/jp2", "jp2"),
        ("HEIF", "image/heic", "heic"),
    ],
)
def test_a_format_is_told_by_its_content(photo, encode, format_name, mime, extension):
    if format_name == "HEIF":
        pytest.importorskip("pillow_heif")
    header = inspect_image(encode(photo, format_name), LIMITS)
    assert (header.format, header.mime, header.extension) == (format_name, mime, extension)
    assert (header.width_px, header.height_px, header.frames) == (600, 400, 1)


def test_an_mpo_is_a_jpeg_with_more_frames(photo, encode):
    data = encode(photo, "MPO", save_all=True, append_images=[photo.rotate(3)])
    header = inspect_image(data, LIMITS)
    assert (header.format, header.mime, header.frames) == ("MPO", "image/jpeg", 2)


def test_frames_of_an_animation_are_counted(photo, encode):
    frames = [photo.rotate(10 * turn) for turn in range(1, 3)]
    assert inspect_image(encode(photo, "GIF", save_all=True, append_images=frames), LIMITS).frames == 3


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_the_size_is_as_stored_whatever_the_orientation(photo, encode, format_name):
    if format_name == "HEIF":
        pytest.importorskip("pillow_heif")
    exif = Image.Exif()
    exif[274] = 6
    header = inspect_image(encode(photo, format_name, exif=exif.tobytes()), LIMITS)
    assert (header.width_px, header.height_px, header.exif["orientation"]) == (600, 400, 6)


def test_a_jpeg_of_a_few_bytes_is_truncated(photo, encode):
    assert reason_of(encode(photo, "JPEG")[:20]) is RejectionReason.TRUNCATED


def test_a_png_with_a_damaged_header_is_corrupt(photo, encode):
    data = bytearray(encode(photo, "PNG"))
    data[18] ^= 1
    assert reason_of(bytes(data)) is RejectionReason.CORRUPT


def test_the_mode_is_reported(encode):
    deep = Image.fromarray(np.zeros((20, 20), dtype=np.uint16))
    assert inspect_image(encode(deep, "PNG"), LIMITS).mode == "I;16"


def test_a_header_is_read_without_its_pixels(photo, encode):
    data = encode(photo, "JPEG")
    assert inspect_image(data[: len(data) // 2], LIMITS).width_px == 600


def test_heic_without_its_extra_is_unsupported_and_names_the_extra():
    script = """
import sys
sys.modules["pillow_heif"] = None
from image_assets.imaging.inspect import InspectParams, inspect_image
inspect_image(b"\\0\\0\\0\\x18ftypheic" + bytes(40), InspectParams())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "unsupported_format" in done.stderr
    assert "image-assets[heic]" in done.stderr


def test_an_avif_under_a_general_brand_is_an_avif(photo, encode):
    data = encode(photo, "AVIF")
    at = data.index(b"ftypavif") + 4
    header = inspect_image(data[:at] + b"mif1" + data[at + 4 :], LIMITS)
    assert header.format == "AVIF"
