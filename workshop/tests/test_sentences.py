import random

import pytest

from workshop.builtin.sentences import Description, caption_words, nouns_of, write_caption


def captions(description: Description, count: int = 200) -> list[str]:
    source = random.Random(3)
    return [write_caption(description, source) for _ in range(count)]


def test_the_same_random_source_writes_the_same_captions() -> None:
    description = Description("dress", "red")
    assert captions(description) == captions(description)


def test_the_plain_words_are_among_the_captions() -> None:
    assert {"red dress", "a photo of a red dress"} <= set(captions(Description("dress", "red"), 2000))


def test_every_caption_names_the_product_and_its_colour() -> None:
    for caption in captions(Description("skirt", "black")):
        assert "black" in caption
        assert "skirt" in caption


def test_a_caption_leaves_unsaid_what_is_not_known() -> None:
    for caption in captions(Description(label="hat")):
        assert not {"red", "blue", "striped"} & set(caption.split())


def test_a_pattern_stands_in_the_caption() -> None:
    assert all("striped" in caption for caption in captions(Description("shirt", "blue", pattern="striped")))


def test_an_unknown_label_is_its_own_word() -> None:
    assert nouns_of("Rain_Boots") == ("rain boots",)


@pytest.mark.parametrize("description", [Description("rain_boots", "beige"), Description(pattern="dotted")])
def test_the_vocabulary_covers_every_caption(description: Description) -> None:
    vocabulary = set(" ".join(caption_words(("rain_boots",))).split())
    for caption in captions(description):
        assert set(caption.split()) - {"xqz"} <= vocabulary
