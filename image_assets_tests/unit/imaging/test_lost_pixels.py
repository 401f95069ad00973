"""Damage that a decoder passes over, or tells of in a whisper: every format is asked in its own way."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageDraw

from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.decode import decode_image, decode_within

RUN_BYTES = 40


def refusal_of(data: bytes) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decode_image(data)
    assert caught.value.detail.isprintable()
    return caught.value


def reason_of(data: bytes) -> RejectionReason:
    return refusal_of(data).reason


def zeroed(data: bytes, share: float = 0.5, length: int = RUN_BYTES) -> bytes:
    at = int(len(data) * share)
    return data[:at] + bytes(length) + data[at + length :]


def without_end(data: bytes) -> bytes:
    """The first half of a JPEG, closed as if it were whole."""
    return data[: len(data) // 2] + b"\xff\xd9"


def with_stray_zeros(data: bytes) -> bytes:
    """Two bytes that belong to nothing, before the first quantization table."""
    at = data.index(b"\xff\xdb")
    return data[:at] + b"\x00\x00" + data[at:]


@pytest.fixture
def noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(5).integers(0, 256, (300, 400, 3), dtype=np.uint8))


@pytest.fixture
def page() -> Image.Image:
    """Lines of text in black and white."""
    page = Image.new("1", (800, 600), 1)
    for line in range(30):
        ImageDraw.Draw(page).text((10, 20 * line), f"order {line} of {line * 7} shirts, size {line % 5}" * 3, fill=0)
    return page


def test_a_harmless_warning_does_not_hide_lost_pixels(noise, encode):
    data = encode(noise, "JPEG")
    assert decode_image(with_stray_zeros(data)).size == noise.size
    assert reason_of(with_stray_zeros(without_end(data))) is RejectionReason.CORRUPT


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_half_a_jpeg_with_an_end_is_corrupt_in_every_mode(noise, encode, mode, options):
    data = without_end(encode(noise.convert(mode), "JPEG", **options))
    assert reason_of(data) is RejectionReason.CORRUPT
    with pytest.raises(ImageError):
        decode_within(data, 100)


def test_coded_bytes_left_behind_the_last_pixel_are_corrupt(photo, encode):
    data = encode(photo, "JPEG")
    assert "extraneous bytes" in refusal_of(data[:-2] + b"left over" * 5 + b"\xff\xd9").detail


def test_a_restart_interval_that_is_longer_than_its_pixels_is_corrupt(photo, encode):
    data = encode(photo, "JPEG", restart_marker_rows=1)
    at = data.index(b"\xff\xd3")
    assert reason_of(data[:at] + b"left over" * 5 + data[at:]) is RejectionReason.CORRUPT


def test_a_progressive_jpeg_without_its_last_scan_is_corrupt(photo, encode):
    data = encode(photo, "JPEG", progressive=True)
    last_scan = data.rindex(b"\xff\xda")
    assert "scans" in refusal_of(data[:last_scan] + b"\xff\xd9").detail


def test_odd_headers_of_a_jpeg_cost_nothing(photo, encode):
    data = encode(photo, "JPEG")
    odd = bytearray(data)
    odd[data.index(b"JFIF\x00") + 5] = 9
    odd[data.index(b"\xff\xda") + 11] = 5  # start of the spectrum, which a sequential scan has no use for
    np.testing.assert_array_equal(np.asarray(decode_image(bytes(odd))), np.asarray(decode_image(data)))


def test_an_unusual_way_to_subsample_is_checked_too(photo, encode):
    data = bytearray(encode(photo, "JPEG", subsampling="4:2:2"))
    frame = data.index(b"\xff\xc0")
    data[frame + 14] = 0x21  # two columns of blue for two of luminance, which the stream does not hold
    assert reason_of(bytes(data)) is RejectionReason.CORRUPT


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_a_fax_with_lost_lines_is_corrupt(page, encode, compression, share):
    data = encode(page, "TIFF", compression=compression)
    assert decode_image(data).size == page.size
    assert reason_of(zeroed(data, share)) is RejectionReason.CORRUPT


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "jpeg", "lzma"])
def test_a_hole_in_a_strip_is_corrupt(photo, encode, compression):
    data = encode(photo, "TIFF", compression=compression)
    assert decode_image(data).size == photo.size
    assert reason_of(zeroed(data)) is RejectionReason.CORRUPT


def test_one_wrong_bit_in_a_deflated_strip_is_corrupt(photo, encode):
    data = bytearray(encode(photo, "TIFF", compression="tiff_adobe_deflate"))
    data[len(data) // 2] ^= 1
    assert "strip" in refusal_of(bytes(data)).detail or "ZIPDecode" in refusal_of(bytes(data)).detail


def test_what_libtiff_says_is_the_reason_and_stays_off_standard_error(photo, encode, capfd):
    detail = refusal_of(zeroed(encode(photo, "TIFF", compression="lzma"))).detail
    assert detail.startswith("LZMADecode")
    assert capfd.readouterr().err == ""


def test_damage_in_a_later_picture_of_an_animation_is_corrupt(noise, encode):
    frames = [Image.fromarray(np.roll(np.asarray(noise), turn, axis=0)) for turn in range(1, 4)]
    data = encode(noise, "GIF", save_all=True, append_images=frames)
    assert decode_image(data).size == noise.size
    at = len(data) * 4 // 5
    damaged = data[:at] + np.random.default_rng(1).bytes(200) + data[at + 200 :]
    assert reason_of(damaged) is RejectionReason.CORRUPT


@pytest.mark.parametrize(("format_name", "options"), [("WEBP", {"quality": 90}), ("AVIF", {"quality": 90})])
def test_a_download_that_was_never_filled_is_truncated(noise, encode, format_name, options):
    data = encode(noise, format_name, **options)
    assert reason_of(data[:8000] + bytes(len(data) - 8000)) is RejectionReason.TRUNCATED


def test_a_jpeg_that_was_never_filled_is_truncated(noise, encode):
    data = encode(noise, "JPEG")
    assert reason_of(data[:8000] + bytes(len(data) - 8000)) is RejectionReason.TRUNCATED


def test_a_large_white_picture_is_no_unfilled_download(encode):
    data = encode(Image.new("RGB", (6000, 8000), "white"), "WEBP")
    assert len(data) - len(data.rstrip(b"\x00")) > 4096
    assert decode_within(data, 100).min() == 255


def test_pictures_behind_the_first_cost_no_time(encode):
    data = bytearray(encode(Image.new("L", (40, 30), 77), "TIFF"))
    first = struct.unpack_from("<I", data, 4)[0]
    pointer = first + 2 + 12 * struct.unpack_from("<H", data, first)[0]
    directory, begin = bytes(data[first:pointer]), len(data)
    size = len(directory) + 4
    struct.pack_into("<I", data, pointer, begin)
    later = (directory + struct.pack("<I", begin + size * (number + 1)) for number in range(100_000))
    file = bytes(data) + b"".join(later)
    np.testing.assert_array_equal(np.asarray(decode_image(file)), 77)


def test_pillow_alone_would_take_a_scrambled_fax(page, encode):
    Image.open(io.BytesIO(zeroed(encode(page, "TIFF", compression="group4")))).load()
