import numpy as np
import pytest

from image_assets.imaging.pixels import RgbImage
from image_assets.models.colour_names import name_colour

SAMPLES = {
    "black": (25, 24, 28),
    "white": (240, 240, 238),
    "grey": (130, 130, 130),
    "red": (200, 30, 30),
    "pink": (235, 140, 170),
    "orange": (235, 125, 35),
    "yellow": (240, 215, 50),
    "green": (45, 125, 65),
    "blue": (45, 85, 175),
    "purple": (115, 60, 145),
    "brown": (105, 72, 46),
    "beige": (215, 195, 160),
}


def cloth(rgb: tuple[int, int, int], backdrop: tuple[int, int, int] = (128, 128, 128)) -> RgbImage:
    """A square of cloth in the middle of a backdrop."""
    image = np.full((60, 40, 3), backdrop, np.uint8)
    image[15:45, 10:30] = rgb
    return image


@pytest.mark.parametrize("colour", sorted(SAMPLES))
def test_a_plain_cloth_has_its_colours_name(colour: str) -> None:
    assert name_colour(cloth(SAMPLES[colour])) == colour


def test_navy_and_light_blue_are_blue() -> None:
    assert {name_colour(cloth(rgb)) for rgb in [(30, 38, 76), (150, 185, 222)]} == {"blue"}


def test_the_backdrop_does_not_name_the_cloth() -> None:
    assert name_colour(cloth(SAMPLES["blue"], backdrop=SAMPLES["red"])) == "blue"


def test_a_cloth_of_many_colours_has_no_name() -> None:
    stripes = np.array([SAMPLES[name] for name in ("red", "blue", "green", "yellow")], np.uint8)
    assert name_colour(np.tile(stripes.repeat(2, axis=0)[None], (40, 5, 1))) is None
