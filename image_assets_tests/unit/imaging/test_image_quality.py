import numpy as np
import pytest
from PIL import Image, ImageFilter

from image_assets.imaging.quality import (
    QualityParams,
    grey_histogram,
    measure_blur,
    measure_brightness,
    measure_contrast,
    measure_entropy,
    measure_quality,
    to_grey,
)


def flat(red: int, green: int, blue: int) -> np.ndarray:
    return np.full((30, 40, 3), (red, green, blue), dtype=np.uint8)


def halves(left: int, right: int) -> np.ndarray:
    pixels = np.full((30, 40), left, dtype=np.uint8)
    pixels[:, 20:] = right
    return pixels


@pytest.mark.parametrize(
    ("colour", "luma"), [((255, 0, 0), 76), ((0, 255, 0), 150), ((0, 0, 255), 29), ((255, 255, 255), 255)]
)
def test_brightness_is_mean_luma(colour, luma):
    assert measure_brightness(grey_histogram(to_grey(flat(*colour)))) == pytest.approx(luma / 255)


def test_half_black_half_white_has_the_highest_contrast():
    assert measure_contrast(grey_histogram(halves(0, 255))) == pytest.approx(0.5)


def test_one_level_has_no_contrast():
    assert measure_contrast(grey_histogram(halves(90, 90))) == 0


@pytest.mark.parametrize(
    ("grey", "bits"),
    [(halves(9, 9), 0), (halves(0, 255), 1), (np.arange(256, dtype=np.uint8).reshape(16, 16), 8)],
)
def test_entropy_counts_bits(grey, bits):
    assert measure_entropy(grey_histogram(grey)) == pytest.approx(bits)


def test_a_flat_picture_has_no_edges():
    assert measure_blur(halves(90, 90)) == 0


def test_a_single_bright_pixel_has_a_known_laplacian():
    grey = np.zeros((5, 5), dtype=np.uint8)
    grey[2, 2] = 10
    assert measure_blur(grey) == pytest.approx((40**2 + 4 * 10**2) / 9)


def test_the_smallest_picture_with_edges_has_three_rows():
    grey = np.zeros((3, 4), dtype=np.uint8)
    grey[1, 1] = 10
    assert measure_blur(grey) == pytest.approx(((-40 + 15) ** 2 + (10 + 15) ** 2) / 2)


def test_a_checkerboard_reaches_the_top_of_the_scale():
    grey = (np.indices((20, 20)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert measure_blur(grey) == pytest.approx(1020**2, rel=1e-6)


def test_blurring_lowers_the_measure(photo):
    blurred = np.asarray(photo.filter(ImageFilter.GaussianBlur(3)))
    assert measure_blur(to_grey(blurred)) < measure_blur(to_grey(np.asarray(photo))) / 5


def test_a_picture_too_small_for_the_kernel_has_no_edges():
    assert measure_blur(np.zeros((2, 9), dtype=np.uint8)) == 0


def test_aspect_is_width_over_height():
    assert measure_quality(flat(1, 2, 3), QualityParams()).aspect == pytest.approx(4 / 3)


def test_a_flat_picture_is_near_uniform_and_a_photo_is_not(photo):
    assert measure_quality(flat(10, 20, 30), QualityParams()).is_near_uniform
    assert not measure_quality(np.asarray(photo), QualityParams()).is_near_uniform


def test_the_threshold_is_the_parameters(photo):
    assert measure_quality(np.asarray(photo), QualityParams(near_uniform_contrast=0.5)).is_near_uniform


def test_all_measures_agree_with_their_own_functions(photo):
    pixels = np.asarray(photo)
    histogram = grey_histogram(np.asarray(Image.fromarray(pixels).convert("L")))
    found = measure_quality(pixels, QualityParams())
    assert (found.brightness, found.contrast, found.entropy) == (
        measure_brightness(histogram),
        measure_contrast(histogram),
        measure_entropy(histogram),
    )
