import numpy as np

from image_assets.imaging.pixels import RgbImage
from workshop.builtin.main_colour import name_main_colour

RED, BLUE, GREEN, YELLOW, GREY = (200, 30, 30), (45, 85, 175), (45, 125, 65), (240, 215, 50), (128, 128, 128)


def cloth(rgb: tuple[int, int, int], backdrop: tuple[int, int, int]) -> RgbImage:
    """A square of cloth in the middle of a backdrop."""
    image = np.full((60, 40, 3), backdrop, np.uint8)
    image[15:45, 10:30] = rgb
    return image


def test_the_backdrop_does_not_name_the_cloth() -> None:
    assert [name_main_colour(cloth(BLUE, backdrop)) for backdrop in (GREY, RED)] == ["blue", "blue"]


def test_a_cloth_of_many_colours_has_no_name() -> None:
    stripes = np.array([RED, BLUE, GREEN, YELLOW], np.uint8)
    assert name_main_colour(np.tile(stripes.repeat(2, axis=0)[None], (40, 5, 1))) is None
