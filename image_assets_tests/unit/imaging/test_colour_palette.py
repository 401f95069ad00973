import pytest
from PIL import Image

from image_assets.imaging.colour_palette import DominantColour, dominant_colours


def striped(*stripes: tuple[str, int]) -> Image.Image:
    image = Image.new("RGB", (sum(width for _, width in stripes), 64))
    at = 0
    for colour, width in stripes:
        image.paste(colour, (at, 0, at + width, 64))
        at += width
    return image


def test_one_colour_has_it_all():
    assert dominant_colours(Image.new("RGB", (100, 80), (1, 2, 3))) == (DominantColour("#010203", 1.0),)


def test_shares_are_shares_of_the_area():
    found = dominant_colours(striped(("#ff0000", 64), ("#0000ff", 32), ("#00ff00", 32)))
    assert [colour.share for colour in found] == [0.5, 0.25, 0.25]
    assert {colour.hex for colour in found} == {"#ff0000", "#0000ff", "#00ff00"}


def test_the_largest_share_comes_first():
    found = dominant_colours(striped(("#000000", 32), ("#ffffff", 96)))
    assert [colour.hex for colour in found] == ["#ffffff", "#000000"]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_no_more_colours_than_asked_for(photo, count):
    found = dominant_colours(photo, count)
    assert len(found) <= count
    assert sum(colour.share for colour in found) == pytest.approx(1)


@pytest.mark.parametrize("size", [(1, 1), (700, 1), (1, 700), (33, 65)])
def test_any_size_has_colours(size):
    assert dominant_colours(Image.new("RGB", size, "#abcdef"))[0].hex == "#abcdef"


def test_the_same_picture_has_the_same_colours(photo):
    assert dominant_colours(photo) == dominant_colours(photo.copy())
