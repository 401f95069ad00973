"""Captions that are put together from tags."""

import pytest

from image_assets.models.captioning.template_captioner import caption_tags
from image_assets.models.zero_shot.tagging import Tag

KIND_OF = {
    "red": "colour",
    "blue": "colour",
    "floral": "pattern",
    "plain": "pattern",
    "denim": "material",
    "bed": "scene",
}


def caption(*names: str) -> str | None:
    return caption_tags([Tag(name, KIND_OF.get(name, "product"), 0.9) for name in names])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("dress", "floral", "red"), "a red floral dress"),
        (("blue", "shoes"), "blue shoes"),
        (("denim", "shorts", "blue"), "blue denim shorts"),
        (("umbrella",), "an umbrella"),
        (("red",), "a red item"),
        (("red", "blue", "hat"), "a red hat"),
        (("plain", "hat"), "a hat"),
        (("hat", "bed"), "a hat"),
    ],
)
def test_a_caption_reads_as_people_say_it(names: tuple[str, ...], expected: str) -> None:
    assert caption(*names) == expected


@pytest.mark.parametrize("names", [(), ("plain",), ("bed",)])
def test_nothing_to_say_is_no_caption(names: tuple[str, ...]) -> None:
    assert caption(*names) is None
