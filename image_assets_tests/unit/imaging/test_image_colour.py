import numpy as np
import pytest
from PIL import Image, ImageCms

from image_assets.imaging.decode import decode_image

SIZE = (40, 30)


def first_pixel(data: bytes) -> tuple[int, int, int]:
    return decode_image(data).getpixel((3, 3))


def ramp(dtype: type, top: float) -> Image.Image:
    return Image.fromarray(np.tile(np.linspace(0, top, 256).astype(dtype), (20, 1)))


@pytest.mark.parametrize("dtype", [np.uint16, np.int32])
def test_deep_greyscale_is_scaled_not_clipped(encode, dtype):
    decoded = np.asarray(decode_image(encode(ramp(dtype, 65535), "TIFF")))
    np.testing.assert_array_equal(decoded[0, :, 0], np.arange(256))


def test_a_16_bit_png_uses_its_whole_range(encode):
    decoded = np.asarray(decode_image(encode(ramp(np.uint16, 65535), "PNG")))
    np.testing.assert_array_equal(decoded[0, :, 1], np.arange(256))


@pytest.mark.parametrize("top", [1.0, 1000.0])
def test_floats_are_white_at_their_highest_value(encode, top):
    decoded = np.asarray(decode_image(encode(ramp(np.float32, top), "TIFF")))
    np.testing.assert_allclose(decoded[0, :, 2], np.arange(256), atol=1)


def test_dim_floats_below_one_stay_dim(encode):
    dim = Image.fromarray(np.full((20, 20), 0.2, dtype=np.float32))
    assert first_pixel(encode(dim, "TIFF")) == (51, 51, 51)


def test_negative_floats_start_at_black(encode):
    values = np.tile(np.array([-1.0, 1.0], dtype=np.float32), (20, 10))
    assert decode_image(encode(Image.fromarray(values), "TIFF")).getpixel((0, 0)) == (0, 0, 0)


def test_floats_that_are_no_numbers_are_black(encode):
    values = np.full((20, 20), np.nan, dtype=np.float32)
    assert first_pixel(encode(Image.fromarray(values), "TIFF")) == (0, 0, 0)


@pytest.mark.parametrize(
    ("mode", "colour", "seen"),
    [
        ("1", 1, (255, 255, 255)),
        ("L", 90, (90, 90, 90)),
        ("LA", (0, 128), (127, 127, 127)),
        ("RGBA", (255, 0, 0, 255), (255, 0, 0)),
        ("RGBA", (255, 0, 0, 0), (255, 255, 255)),
        ("RGBA", (255, 0, 0, 51), (255, 204, 204)),
    ],
)
def test_transparency_is_laid_on_white(encode, mode, colour, seen):
    np.testing.assert_allclose(first_pixel(encode(Image.new(mode, SIZE, colour), "PNG")), seen, atol=1)


def test_a_palette_becomes_its_colours(encode):
    image = Image.new("RGB", SIZE, "orange").quantize(8)
    assert first_pixel(encode(image, "PNG")) == (255, 165, 0)


@pytest.mark.parametrize("format_name", ["PNG", "GIF"])
def test_a_transparent_palette_entry_is_white(encode, format_name):
    image = Image.new("P", SIZE, 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    assert first_pixel(encode(image, format_name, transparency=0)) == (255, 255, 255)


def test_a_transparent_grey_level_is_white(encode):
    assert first_pixel(encode(Image.new("L", SIZE, 7), "PNG", transparency=7)) == (255, 255, 255)


def test_a_transparent_deep_grey_level_is_white(encode):
    deep = Image.fromarray(np.full((20, 20), 300, dtype=np.uint16))
    assert first_pixel(encode(deep, "PNG", transparency=300)) == (255, 255, 255)


@pytest.mark.parametrize("format_name", ["JPEG", "TIFF"])
@pytest.mark.parametrize(
    ("ink", "seen"),
    [((0, 255, 255, 0), (255, 0, 0)), ((0, 0, 0, 0), (255, 255, 255)), ((0, 0, 0, 255), (0, 0, 0))],
)
def test_cmyk_is_not_inverted(encode, format_name, ink, seen):
    np.testing.assert_allclose(first_pixel(encode(Image.new("CMYK", SIZE, ink), format_name)), seen, atol=3)


def test_lab_becomes_srgb(encode):
    lab = Image.merge("LAB", [Image.new("L", SIZE, level) for level in (136, 208, 195)])
    np.testing.assert_allclose(first_pixel(encode(lab, "TIFF")), (255, 0, 0), atol=12)


def test_a_colour_profile_is_applied(encode):
    swapped = swapped_profile()
    assert first_pixel(encode(Image.new("RGB", SIZE, (255, 0, 0)), "PNG", icc_profile=swapped)) != (255, 0, 0)


def test_an_srgb_profile_changes_no_pixel(photo, encode):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    decoded = decode_image(encode(photo, "PNG", icc_profile=profile))
    np.testing.assert_array_equal(np.asarray(decoded), np.asarray(photo))


def test_a_broken_profile_costs_nothing_but_itself(photo, encode):
    decoded = decode_image(encode(photo, "PNG", icc_profile=b"this is no profile"))
    np.testing.assert_array_equal(np.asarray(decoded), np.asarray(photo))


def test_a_profile_of_another_colour_model_is_ignored(encode):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert first_pixel(encode(Image.new("L", SIZE, 90), "PNG", icc_profile=profile)) == (90, 90, 90)


def swapped_profile() -> bytes:
    """sRGB with the colorants of red and green exchanged: a pure red of it is a green."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"tmp!").replace(b"gXYZ", b"rXYZ").replace(b"tmp!", b"gXYZ")
