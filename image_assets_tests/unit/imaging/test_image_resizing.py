import numpy as np
import pytest

from image_assets.imaging.resize import fit, fit_within


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
    pixels = np.asarray(photo)
    assert fit(pixels, 600) is pixels


@pytest.mark.parametrize("size", [(7, 1601), (1601, 7), (997, 613), (1, 400), (400, 1)])
@pytest.mark.parametrize("side", [1, 2, 100, 333, 399])
def test_the_size_is_the_one_that_was_announced(size, side):
    rows, columns = size
    assert fit(np.zeros((rows, columns, 3), np.uint8), side).shape[1::-1] == fit_within((columns, rows), side)


def test_the_same_picture_gives_the_same_pixels(photo):
    pixels = np.asarray(photo)
    np.testing.assert_array_equal(fit(pixels, 120), fit(pixels.copy(), 120))
