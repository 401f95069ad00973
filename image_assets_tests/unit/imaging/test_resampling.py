from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from image_assets.imaging.resample import HAS_FAST_IMAGE_RESIZE, by_fast_image_resize, by_libvips, resample

Resampler = Callable[[np.ndarray, tuple[int, int]], np.ndarray]
needs_wheel = pytest.mark.skipif(not HAS_FAST_IMAGE_RESIZE, reason="pip install -c constraints.txt cykooz-resizer")
BOTH = [pytest.param(by_fast_image_resize, marks=needs_wheel), by_libvips]
# A picture of as many bytes as are copied, at most, and one of a row more.
COPIED, LARGER = (2048, 4096, 3), (2049, 4096, 3)


@pytest.fixture(params=BOTH)
def resampler(request: pytest.FixtureRequest) -> Resampler:
    found: Resampler = request.param
    return found


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return 10 * np.log10(255**2 / np.mean((one.astype(float) - other.astype(float)) ** 2))


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (61, 100), (400, 613), (997, 613)])
@pytest.mark.parametrize("bands", [(), (1,), (3,), (4,)])
def test_the_size_and_the_bands_are_as_asked(resampler: Resampler, size: tuple[int, int], bands: tuple[int, ...]):
    made = resampler(np.zeros((613, 997, *bands), np.uint8), size)
    assert made.shape == (size[1], size[0], *bands)


@pytest.mark.parametrize("side_px", [30, 64, 100, 150, 299, 450, 599])
def test_nothing_is_lost_that_could_be_seen(resampler: Resampler, photo: Image.Image, side_px: int):
    size = side_px, round(side_px * 2 / 3)
    reference = photo.resize(size, Image.Resampling.LANCZOS)
    assert psnr(resampler(np.asarray(photo), size), np.asarray(reference)) > 38


def test_a_flat_colour_stays_that_colour(resampler: Resampler):
    flat = np.full((613, 997, 3), (12, 200, 77), dtype=np.uint8)
    np.testing.assert_array_equal(resampler(flat, (100, 61)), flat[:61, :100])


@pytest.mark.parametrize("period_px", [2, 2.2, 2.5])
def test_lines_too_fine_to_show_leave_no_pattern(resampler: Resampler, period_px: float):
    wave = np.sin(2 * np.pi * np.arange(1600) / period_px + 0.3)
    lines = np.broadcast_to((127.5 + 120 * wave)[None, :, None], (400, 1600, 3)).astype(np.uint8)
    assert resampler(lines, (800, 200))[:, 8:-8].std() < lines.std() / 10


@pytest.mark.parametrize("lit", [lambda y, x: x, lambda y, x: y, lambda y, x: x + y])
@pytest.mark.parametrize("size", [(512, 384), (300, 225)])
def test_two_colours_that_take_turns_with_every_pixel_become_their_mean(
    resampler: Resampler, lit: Callable[[np.ndarray, np.ndarray], np.ndarray], size: tuple[int, int]
):
    is_red = lit(*np.indices((900, 1200)))[..., None] % 2 == 0
    pattern = np.where(is_red, (220, 30, 40), (20, 60, 200)).astype(np.uint8)
    apart = np.abs(resampler(pattern, size)[8:-8, 8:-8].astype(int) - (120, 45, 120))
    assert apart.max() <= 2


def test_the_original_is_left_alone(resampler: Resampler, photo: Image.Image):
    pixels = np.array(photo)
    resampler(pixels, (50, 33))
    np.testing.assert_array_equal(pixels, np.asarray(photo))


def test_a_view_of_a_larger_picture_is_only_what_it_shows(resampler: Resampler, photo: Image.Image):
    view = np.asarray(photo)[::2, 50:350]
    np.testing.assert_array_equal(resampler(view, (120, 80)), resampler(view.copy(), (120, 80)))


@needs_wheel
@pytest.mark.parametrize("size", [(512, 341), (300, 200), (32, 32)])
def test_it_cannot_be_seen_which_of_them_it_was(photo: Image.Image, size: tuple[int, int]):
    pixels = np.asarray(photo)
    apart = np.abs(by_fast_image_resize(pixels, size).astype(int) - by_libvips(pixels, size))
    assert apart.mean() < 0.3
    assert apart.max() <= 4


@needs_wheel
def test_a_picture_is_copied_up_to_24_mebibytes():
    pixels = np.random.default_rng(1).integers(0, 256, LARGER, dtype=np.uint8)
    small = pixels[: COPIED[0]]
    np.testing.assert_array_equal(resample(small, (64, 32)), by_fast_image_resize(small, (64, 32)))
    np.testing.assert_array_equal(resample(pixels, (64, 32)), by_libvips(pixels, (64, 32)))
    assert (by_fast_image_resize(pixels, (64, 32)) != by_libvips(pixels, (64, 32))).any()
