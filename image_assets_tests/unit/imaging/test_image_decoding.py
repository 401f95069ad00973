import warnings

import numpy as np
import pytest
from PIL import Image, ImageFile

from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.decode import decode_image

LOSSLESS = [
    ("PNG", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("BMP", {}),
    ("WEBP", {"lossless": True}),
    ("JPEG2000", {}),
]
LOSSY = [("JPEG", {}), ("JPEG", {"progressive": True}), ("WEBP", {}), ("AVIF", {}), ("GIF", {})]


def reason_of(data: bytes) -> RejectionReason:
    with pytest.raises(ImageError) as caught:
        decode_image(data)
    assert "\n" not in caught.value.detail
    return caught.value.reason


@pytest.mark.parametrize(("format_name", "options"), LOSSLESS)
def test_lossless_pixels_survive(photo, encode, format_name, options):
    decoded = decode_image(encode(photo, format_name, **options))
    assert decoded.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(decoded), np.asarray(photo))


@pytest.mark.parametrize(("format_name", "options"), LOSSY)
def test_lossy_pixels_stay_close(photo, encode, format_name, options):
    decoded = np.asarray(decode_image(encode(photo, format_name, **options))).astype(int)
    assert np.abs(decoded - np.asarray(photo)).mean() < 12


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
@pytest.mark.parametrize(("format_name", "options"), LOSSLESS + LOSSY)
def test_a_file_that_was_cut_is_truncated(photo, encode, format_name, options, share):
    data = encode(photo, format_name, **options)
    assert reason_of(data[: int(len(data) * share)]) is RejectionReason.TRUNCATED


def test_later_frames_count_too(photo, encode):
    data = encode(photo, "GIF", save_all=True, append_images=[photo.rotate(90), photo.rotate(180)])
    assert reason_of(data[: int(len(data) * 0.9)]) is RejectionReason.TRUNCATED


@pytest.mark.parametrize("format_name", ["JPEG", "TIFF", "BMP"])
def test_a_global_leniency_of_pillow_changes_nothing(photo, encode, format_name):
    data = encode(photo, format_name)
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        assert reason_of(data[: len(data) // 2]) is RejectionReason.TRUNCATED
        assert ImageFile.LOAD_TRUNCATED_IMAGES is True
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def test_a_wrong_png_checksum_is_corrupt(photo, encode):
    data = bytearray(encode(photo, "PNG"))
    data[len(data) // 2] ^= 0xFF
    assert reason_of(bytes(data)) is RejectionReason.CORRUPT


def test_a_jpeg_marker_in_the_middle_of_the_pixels_is_corrupt(photo, encode):
    data = bytearray(encode(photo, "JPEG"))
    middle = len(data) // 2
    data[middle : middle + 4] = b"\xff\xf0\xff\xf1"
    assert reason_of(bytes(data)) is RejectionReason.CORRUPT


def test_padding_behind_the_end_does_no_harm(photo, encode):
    for format_name in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF"):
        assert decode_image(encode(photo, format_name) + bytes(100)).size == photo.size


def test_garbage_is_not_an_image():
    assert reason_of(b"no picture at all") is RejectionReason.NOT_AN_IMAGE


def test_no_metadata_comes_along(tagged_photo):
    assert decode_image(tagged_photo).info == {}


def test_warnings_of_a_decoder_stay_inside(photo, encode):
    data = encode(photo, "JPEG", exif=b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x05\x00\x0f\x01\x02\x00\xff\xff")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode_image(data).size == photo.size


@pytest.mark.parametrize(
    ("at_least_px", "longest_px"),
    [(None, 1600), (1600, 1600), (801, 1600), (800, 800), (401, 800), (300, 400), (200, 200), (10, 200)],
)
def test_a_jpeg_is_decoded_no_larger_than_needed_and_never_smaller(encode, at_least_px, longest_px):
    data = encode(Image.new("RGB", (1200, 1600), "teal"), "JPEG")
    assert max(decode_image(data, at_least_px=at_least_px).size) == longest_px


@pytest.mark.parametrize("size", [(7, 1601), (1601, 7), (17, 17), (1599, 1201)])
def test_odd_sizes_stay_above_the_asked_side(encode, size):
    for at_least_px in (3, 100, 250, 799, 800, 801):
        decoded = decode_image(encode(Image.new("RGB", size), "JPEG"), at_least_px=at_least_px)
        assert max(decoded.size) >= min(at_least_px, max(size))


def test_a_scaled_jpeg_is_still_read_to_its_end(photo, encode):
    data = encode(photo.resize((2400, 1600)), "JPEG")
    with pytest.raises(ImageError) as caught:
        decode_image(data[: int(len(data) * 0.95)], at_least_px=300)
    assert caught.value.reason is RejectionReason.TRUNCATED


def test_only_jpegs_are_decoded_smaller(photo, encode):
    assert decode_image(encode(photo, "PNG"), at_least_px=100).size == photo.size


def test_the_first_frame_is_the_picture(encode):
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "lime", "blue")]
    data = encode(frames[0], "WEBP", lossless=True, save_all=True, append_images=frames[1:])
    assert decode_image(data).getpixel((5, 5)) == (255, 0, 0)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_every_orientation_is_decoded_upright(encode, format_name, orientation):
    seen = Image.new("RGB", (96, 64), "black")
    seen.paste("red", (0, 0, 48, 32))
    seen.paste("lime", (48, 0, 96, 32))
    stored_as = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = seen.transpose(stored_as[orientation]) if orientation in stored_as else seen
    exif = Image.Exif()
    exif[274] = orientation
    decoded = decode_image(encode(stored, format_name, exif=exif))
    assert decoded.size == (96, 64)
    np.testing.assert_allclose(np.asarray(decoded)[16, 24], (255, 0, 0), atol=8)
    np.testing.assert_allclose(np.asarray(decoded)[16, 72], (0, 255, 0), atol=8)
    np.testing.assert_allclose(np.asarray(decoded)[48, 48], (0, 0, 0), atol=8)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_invalid_orientation_leaves_the_picture_alone(photo, encode, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    assert decode_image(encode(photo, "PNG", exif=exif)).size == photo.size
