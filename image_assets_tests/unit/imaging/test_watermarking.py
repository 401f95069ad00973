import numpy as np
import pytest
from PIL import Image

from image_assets.errors import ConfigurationError
from image_assets.imaging.watermark import WatermarkParams, add_watermark


def flat(colour: str, size: tuple[int, int] = (600, 400)) -> np.ndarray:
    return np.asarray(Image.new("RGB", size, colour))


def change(colour: str, params: WatermarkParams, size: tuple[int, int] = (600, 400)) -> np.ndarray:
    """What the mark does to each pixel of a flat picture: rows x columns, signed levels of green."""
    marked = add_watermark(flat(colour, size), params)
    return marked.astype(int)[..., 1] - Image.new("RGB", (1, 1), colour).getpixel((0, 0))[1]


def test_the_mark_is_seen_on_white_and_on_black():
    assert change("white", WatermarkParams()).min() < -50
    assert change("black", WatermarkParams()).max() > 50


def test_the_mark_reaches_every_quarter_of_the_picture():
    changed = change("black", WatermarkParams()) != 0
    for quarter in (changed[:200, :300], changed[:200, 300:], changed[200:, :300], changed[200:, 300:]):
        assert quarter.mean() > 0.01


def test_most_of_the_picture_stays_free():
    assert (change("gray", WatermarkParams()) != 0).mean() < 0.5


def test_opacity_bounds_the_change():
    assert change("black", WatermarkParams(opacity=0.2)).max() == pytest.approx(51, abs=2)


def test_the_picture_below_is_left_alone(photo):
    pixels = np.array(photo)
    add_watermark(pixels, WatermarkParams())
    np.testing.assert_array_equal(pixels, np.asarray(photo))


def test_the_same_mark_gives_the_same_pixels(photo):
    pixels = np.asarray(photo)
    first = add_watermark(pixels, WatermarkParams(text="shop"))
    add_watermark(pixels, WatermarkParams(text="other"))
    np.testing.assert_array_equal(add_watermark(pixels, WatermarkParams(text="shop")), first)


@pytest.mark.parametrize("other", [{"text": "b"}, {"angle_degrees": 0.0}, {"spacing": 1.0}, {"text_height_share": 0.1}])
def test_every_parameter_counts(photo, other):
    pixels, params = np.asarray(photo), {"text": "a"} | other
    marked = add_watermark(pixels, WatermarkParams(text="a"))
    assert (marked != add_watermark(pixels, WatermarkParams(**params))).any()


@pytest.mark.parametrize("size", [(16, 16), (1200, 60), (60, 1200)])
def test_any_size_is_covered(size):
    assert change("black", WatermarkParams(), size).shape == size[::-1]


def test_a_logo_keeps_its_colour(encode):
    logo = encode(Image.new("RGBA", (40, 20), (0, 255, 0, 255)), "PNG")
    marked = add_watermark(flat("black"), WatermarkParams("", logo, opacity=1.0))
    assert (marked == (0, 255, 0)).all(axis=-1).any()


def test_a_logo_stands_beside_the_text(encode):
    logo = encode(Image.new("RGBA", (40, 20), (0, 255, 0, 255)), "PNG")
    marked = add_watermark(flat("black"), WatermarkParams("x", logo, opacity=1.0))
    assert (marked == (0, 255, 0)).all(axis=-1).any()
    assert (marked == (255, 255, 255)).all(axis=-1).any()


@pytest.mark.parametrize(
    "wrong",
    [{"text": " "}, {"opacity": 0.0}, {"opacity": 1.5}, {"text_height_share": 0.0}, {"spacing": -1.0}],
)
def test_an_impossible_mark_is_refused_at_once(wrong):
    with pytest.raises(ConfigurationError):
        WatermarkParams(**wrong)


def test_a_logo_that_is_no_image_is_a_wrong_setting(photo):
    with pytest.raises(ConfigurationError, match="IMAGE_ASSETS_WATERMARK_LOGO cannot be read"):
        add_watermark(np.asarray(photo), WatermarkParams(logo=b"no image"))
