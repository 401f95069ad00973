"""What libjpeg only warns of: lost pixels are refused, harmless oddities are not."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.decode import decode_image, decode_within

STRAY = b"\x00\x17\x42"


def reason_of(data: bytes, at_least_px: int | None = None) -> RejectionReason:
    with pytest.raises(ImageError) as caught:
        decode_image(data, at_least_px=at_least_px)
    assert "\n" not in caught.value.detail
    return caught.value.reason


def with_a_hole(data: bytes) -> bytes:
    """The file without a piece from the middle of its pixels."""
    middle = len(data) // 2
    return data[:middle] + data[middle + 2000 :]


def with_stray_bytes(data: bytes) -> bytes:
    """The file with bytes that belong to nothing between its first two segments."""
    behind_first = 4 + int.from_bytes(data[4:6], "big")
    return data[:behind_first] + STRAY + data[behind_first:]


@pytest.fixture
def jpeg(photo, encode) -> bytes:
    return encode(photo, "JPEG", quality=95)


def test_pillow_alone_would_take_a_file_with_a_hole(jpeg):
    Image.open(io.BytesIO(with_a_hole(jpeg))).load()


@pytest.mark.parametrize("at_least_px", [None, 100, 300])
def test_a_hole_in_the_pixels_is_corrupt_at_every_scale(jpeg, at_least_px):
    assert reason_of(with_a_hole(jpeg), at_least_px) is RejectionReason.CORRUPT


def test_a_hole_is_corrupt_in_a_grey_picture_too(photo, encode):
    assert reason_of(with_a_hole(encode(photo.convert("L"), "JPEG", quality=95))) is RejectionReason.CORRUPT


def test_a_hole_is_noticed_while_a_picture_is_fitted(jpeg):
    with pytest.raises(ImageError) as caught:
        decode_within(with_a_hole(jpeg), 200)
    assert caught.value.reason is RejectionReason.CORRUPT


def test_a_restart_interval_that_is_not_there_is_corrupt(photo, encode):
    data = encode(photo, "JPEG", quality=95, restart_marker_rows=1)
    assert reason_of(data.replace(b"\xff\xd3", b"\xff\xd4", 1)) is RejectionReason.CORRUPT


def test_stray_bytes_between_segments_cost_nothing(jpeg):
    np.testing.assert_array_equal(np.asarray(decode_image(with_stray_bytes(jpeg))), np.asarray(decode_image(jpeg)))


def test_stray_bytes_behind_the_pixels_cost_nothing(jpeg):
    odd = jpeg[:-2] + bytes(20) + jpeg[-2:]
    np.testing.assert_array_equal(np.asarray(decode_image(odd)), np.asarray(decode_image(jpeg)))


@pytest.mark.parametrize("spoil", [with_stray_bytes, lambda data: data])
def test_a_fitted_picture_has_its_size_whoever_decodes_it(encode, spoil):
    data = spoil(encode(Image.new("RGB", (1601, 1203), "teal"), "JPEG"))
    assert decode_within(data, 300).shape == (225, 300, 3)


@pytest.mark.parametrize(
    ("format_name", "mode"), [("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "RGB"), ("PNG", "L")]
)
def test_every_layout_is_fitted_as_it_is_decoded(photo, encode, format_name, mode):
    data = encode(photo.convert(mode), format_name)
    whole = decode_image(data).resize((300, 200), Image.Resampling.LANCZOS)
    assert np.abs(decode_within(data, 300).astype(int) - np.asarray(whole)).mean() < 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_fitted_picture_is_upright(photo, encode, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    data = encode(photo, "JPEG", exif=exif)
    whole = decode_image(data)
    fitted = decode_within(data, 300)
    assert fitted.shape[1::-1] == (whole.width // 2, whole.height // 2)
    assert np.abs(fitted.astype(int) - np.asarray(whole.resize(fitted.shape[1::-1]))).mean() < 3


def test_a_fitted_picture_goes_through_its_profile(encode):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"tmp!").replace(b"gXYZ", b"rXYZ").replace(b"tmp!", b"gXYZ")
    data = encode(Image.new("RGB", (640, 480), (255, 0, 0)), "JPEG", icc_profile=swapped)
    np.testing.assert_allclose(decode_within(data, 320)[9, 9], decode_image(data).getpixel((9, 9)), atol=1)
