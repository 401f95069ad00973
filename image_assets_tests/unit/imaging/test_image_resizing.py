import numpy as np
import pytest
from PIL import Image

from image_assets.imaging.resize import fit, fit_within


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return 10 * np.log10(255**2 / np.mean((one.astype(float) - other.astype(float)) ** 2))


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


def test_the_original_is_left_alone(photo):
    pixels = np.array(photo)
    fit(pixels, 50)
    np.testing.assert_array_equal(pixels, np.asarray(photo))


def test_the_same_picture_gives_the_same_pixels(photo):
    pixels = np.asarray(photo)
    np.testing.assert_array_equal(fit(pixels, 120), fit(pixels.copy(), 120))


def test_a_view_of_a_larger_picture_is_only_what_it_shows(photo):
    pixels = np.asarray(photo)
    np.testing.assert_array_equal(fit(pixels[::2, 50:350], 120), fit(pixels[::2, 50:350].copy(), 120))


@pytest.mark.parametrize("side", [30, 64, 100, 150, 299, 450])
def test_nothing_is_lost_that_could_be_seen(photo, side):
    shrunk = fit(np.asarray(photo), side)
    reference = photo.resize(shrunk.shape[1::-1], Image.Resampling.LANCZOS)
    assert psnr(shrunk, np.asarray(reference)) > 38


def test_a_flat_colour_stays_that_colour():
    flat = np.full((613, 997, 3), (12, 200, 77), dtype=np.uint8)
    np.testing.assert_array_equal(fit(flat, 100), flat[:61, :100])


@pytest.mark.parametrize("period_px", [2, 2.2, 2.5])
def test_lines_too_fine_to_show_leave_no_pattern(period_px):
    wave = np.sin(2 * np.pi * np.arange(1600) / period_px + 0.3)
    lines = np.broadcast_to((127.5 + 120 * wave)[None, :, None], (400, 1600, 3)).astype(np.uint8)
    assert fit(lines, 800)[:, 8:-8].std() < lines.std() / 10
