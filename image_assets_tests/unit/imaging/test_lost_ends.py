"""One rule for all formats: a file is refused where pixels are missing, not where only its last bytes are."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.decode import decode_image
from image_assets.imaging.inspect import InspectParams, inspect_image

# As phones write them behind the last byte: a tag, a film, a directory; the second begins with a marker of JPEG.
TRAILERS = [
    b"\x00\x00\x30\x0a\x10\x00\x00\x00MotionPhoto_Data\x00\x00\x00\x18ftypmp42" + bytes(3000) + b"SEFHxxxxSEFT",
    b"\xff\x41\x00\x00" + bytes(range(256)) * 20,
    b"trailer",
    bytes(5000),
]
# Format, how it is written, and how many of its last bytes are no picture.
ENDS = [
    ("JPEG", {}, 2),
    ("JPEG", {"progressive": True}, 2),
    ("PNG", {}, 12),
    ("GIF", {}, 2),
    ("JPEG2000", {}, 2),
]


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def pixels_of(data: bytes) -> np.ndarray:
    inspect_image(data, InspectParams())
    return np.asarray(decode_image(data))


@pytest.mark.parametrize(("format_name", "options", "end_bytes"), ENDS)
def test_a_file_that_lacks_only_its_end_is_whole(photo, encode, format_name, options, end_bytes):
    data = encode(photo, format_name, **options)
    for lost in range(1, end_bytes + 1):
        np.testing.assert_array_equal(pixels_of(data[:-lost]), pixels_of(data))


@pytest.mark.parametrize(("format_name", "options", "end_bytes"), ENDS)
def test_a_file_that_lacks_more_than_its_end_is_truncated(photo, encode, format_name, options, end_bytes):
    data = encode(photo, format_name, **options)
    with pytest.raises(ImageError) as caught:
        decode_image(data[: -end_bytes - 8])
    assert caught.value.reason is RejectionReason.TRUNCATED


@pytest.mark.parametrize("trailer", TRAILERS)
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF", "HEIF"])
def test_what_a_vendor_puts_behind_the_end_costs_nothing(photo, encode, format_name, trailer):
    if format_name == "HEIF":
        pytest.importorskip("pillow_heif")
    data = encode(photo, format_name)
    np.testing.assert_array_equal(pixels_of(data + trailer), pixels_of(data))


@pytest.mark.parametrize("trailer", TRAILERS)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_trailer_in_the_place_of_a_jpegs_end_costs_nothing(photo, encode, mode, trailer):
    data = encode(photo.convert(mode), "JPEG")
    np.testing.assert_array_equal(pixels_of(data[:-2] + trailer), pixels_of(data))


def test_metadata_that_was_cut_off_behind_the_pixels_costs_nothing(photo, encode):
    exif = Image.Exif()
    exif[271] = "maker" * 100
    data = encode(photo, "WEBP", exif=exif)
    np.testing.assert_array_equal(pixels_of(data[:-100]), pixels_of(data))


@pytest.mark.parametrize("kind", [b"pHYs", b"gAMA", b"cHRM", b"sRGB", b"tIME", b"acTL", b"fcTL", b"cICP"])
def test_a_png_chunk_of_a_wrong_length_is_passed_over(photo, encode, kind):
    data = encode(photo, "PNG")
    odd = data[:33] + png_chunk(kind, b"abc") + data[33:]
    np.testing.assert_array_equal(pixels_of(odd), pixels_of(data))


BROKEN_WORDS = {
    "a checksum that is wrong": png_chunk(b"tEXt", b"k\0v")[:-1] + b"?",
    "words that unpack to two megabytes": png_chunk(b"zTXt", b"k\0\0" + zlib.compress(b"a" * 2_000_000)),
    "seventy megabytes of words": b"".join(
        png_chunk(b"zTXt", b"k%d\0\0" % number + zlib.compress(b"a" * 1_000_000)) for number in range(70)
    ),
    "a profile of one byte": png_chunk(b"iCCP", b"x"),
    "a profile that is packed in an unknown way": png_chunk(b"iCCP", b"x\0\1abc"),
    "a profile of three megabytes": png_chunk(b"iCCP", b"x\0\0" + zlib.compress(b"a" * 3_000_000)),
    "EXIF with a wrong checksum": png_chunk(b"eXIf", b"II*\0")[:-1] + b"?",
}


@pytest.mark.parametrize("odd", BROKEN_WORDS.values(), ids=BROKEN_WORDS)
def test_broken_or_endless_words_cost_no_picture(photo, encode, odd):
    data = encode(photo, "PNG")
    told = data[:33] + odd + data[33:]
    assert inspect_image(told, InspectParams()).width_px == photo.width
    np.testing.assert_array_equal(pixels_of(told), pixels_of(data))


def test_a_profile_that_unpacks_without_end_is_refused_in_words(photo, encode):
    data = encode(photo, "PNG")
    bomb = png_chunk(b"iCCP", b"x\0\0" + zlib.compress(b"a" * 20_000_000))
    with pytest.raises(ImageError, match="unpack to more than 16 MiB") as caught:
        decode_image(data[:33] + bomb + data[33:])
    assert caught.value.reason is RejectionReason.TOO_LARGE


def test_a_chunk_that_pixels_depend_on_is_corrupt_and_not_truncated(photo, encode):
    data = encode(photo, "PNG")
    with pytest.raises(ImageError) as caught:
        decode_image(data[:33] + png_chunk(b"tRNS", b"a") + data[33:])
    assert caught.value.reason is RejectionReason.CORRUPT


def test_an_animation_without_its_trailer_has_all_its_pictures(photo, encode):
    data = encode(photo, "GIF", save_all=True, append_images=[photo.rotate(90), photo.rotate(180)])
    assert inspect_image(data[:-1], InspectParams()).frames == 3
    np.testing.assert_array_equal(pixels_of(data[:-1]), pixels_of(data))
