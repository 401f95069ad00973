from image_assets.imaging.colour_names import COLOURS, name_hex_colours

SAMPLES = {
    "black": "#19181c",
    "white": "#f0f0ee",
    "grey": "#828282",
    "red": "#c81e1e",
    "pink": "#eb8caa",
    "orange": "#eb7d23",
    "yellow": "#f0d732",
    "green": "#2d7d41",
    "blue": "#2d55af",
    "purple": "#733c91",
    "brown": "#69482e",
    "beige": "#d7c3a0",
}


def test_a_colour_has_its_everyday_name() -> None:
    assert dict(zip(SAMPLES, name_hex_colours(list(SAMPLES.values())), strict=True)) == {name: name for name in COLOURS}


def test_navy_and_light_blue_are_blue() -> None:
    assert name_hex_colours(["#1e264c", "#96b9de"]) == ["blue", "blue"]


def test_no_colour_has_no_name() -> None:
    assert name_hex_colours([]) == []
