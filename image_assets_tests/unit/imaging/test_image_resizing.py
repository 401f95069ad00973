import numpy as np
import pytest
from PIL import Image

from image_assets.imaging.resize import Pyramid, fit_within


@pytest.mark.parametrize(
    ("size", "longest_side_px", "fitted"),
    [
        ((4000, 3000), 512, (512, 384)),
        ((3000, 4000), 512, (384, 512)),
        ((400, 300), 512, (400, 300)),
        ((512, 512), 512, (512, 512)),
        ((5000, 1), 300, (300, 1)),
    ],
)
def test_a_size_fits_within_the_longest_side_and_never_grows(size, longest_side_px, fitted):
    assert fit_within(size, longest_side_px) == fitted


def test_a_smaller_picture_is_given_back_as_it_is(photo):
    assert Pyramid(photo).shrink(600) is photo


def test_a_picture_does_not_depend_on_what_was_shrunk_before(photo):
    fresh = Pyramid(photo).shrink(120)
    used = Pyramid(photo)
    for side in (500, 40, 300):
        used.shrink(side)
    np.testing.assert_array_equal(np.asarray(used.shrink(120)), np.asarray(fresh))


def test_the_original_is_left_alone(photo):
    before = np.array(photo)
    Pyramid(photo).shrink(50)
    np.testing.assert_array_equal(np.asarray(photo), before)


@pytest.mark.parametrize("side", [30, 64, 100, 150, 299, 450])
def test_halving_first_loses_nothing_that_is_seen(photo, side):
    shrunk = Pyramid(photo).shrink(side)
    reference = photo.resize(shrunk.size, Image.Resampling.LANCZOS)
    difference = np.asarray(shrunk).astype(float) - np.asarray(reference)
    assert 10 * np.log10(255**2 / np.mean(difference**2)) > 30


def test_a_flat_colour_stays_that_colour():
    flat = Image.new("RGB", (997, 613), (12, 200, 77))
    assert Pyramid(flat).shrink(100).getcolors() == [(100 * 61, (12, 200, 77))]
