"""In which order images are found and how the order is cut into pages."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_assets.ids import ImageId
from image_assets.search.rank_fusion import fuse
from image_assets.steps.search.ranking import ByLikeness, ByLikenessAndWords, Hit, cut_page
from image_assets.steps.search.vector_pool import Mask, Neighbour
from image_assets.steps.search.words import WordMatches, tokens_of, word_bits, words_of


@dataclass(frozen=True)
class Scored:
    """A question whose answer is known; the places of the images are those of the scores."""

    scores: Mapping[ImageId, float]

    def nearest(self, count: int, among: Mask | None = None) -> list[Neighbour]:
        found = [Neighbour(name, score, place) for place, (name, score) in enumerate(self.scores.items())]
        found = [each for each in found if among is None or among[each.place]]
        return sorted(found, key=lambda each: -each.score)[:count]


A_TO_C = Scored({ImageId(name): 1 - place / 10 for place, name in enumerate("abc")})


def described(text: str, **captions: str) -> WordMatches:
    """Matches of a text with the captions, all of which are tagged with cotton; a place for each."""
    tokens = [
        tokens_of(pl.DataFrame({"code": range(len(captions)), "value": [*captions.values()]})),
        tokens_of(pl.DataFrame({"code": range(len(captions)), "value": [["cotton"]] * len(captions)})),
    ]
    words, bits = words_of(text), np.zeros(len(captions), np.uint32)
    for each in tokens:
        for code, its in word_bits(each, words).iter_rows():
            bits[code] |= its
    return WordMatches(words, bits, len(captions))


def matched(text: str, **captions: str) -> dict[str, list[str]]:
    found = described(text, **captions)
    words = {name: [*found.words_at(place)] for place, name in enumerate(captions)}
    assert found.is_empty == (not any(words.values()))
    return {name: its for name, its in words.items() if its}


def test_what_is_high_in_both_rankings_is_first() -> None:
    fused = fuse([[ImageId(name) for name in "abc"], [ImageId(name) for name in "bd"]])
    assert max(fused, key=lambda name: fused[name]) == "b"
    assert fused[ImageId("d")] == pytest.approx(1 / 62)


def test_words_lift_what_looks_less_alike() -> None:
    ranking = ByLikenessAndWords(A_TO_C, described("red", a="", b="", c="red"), -1)
    assert [each.image_id for each in ranking.first(9)] == ["c", "a", "b"]
    assert [(each.score, each.words) for each in ranking.first(1)] == [(0.8, ["red"])]


def test_the_least_score_holds_for_what_words_found_too() -> None:
    ranking = ByLikenessAndWords(A_TO_C, described("red", a="", b="", c="red"), 0.85)
    assert {each.image_id for each in ranking.first(9)} == {"a", "b"}


def test_a_word_is_found_in_any_column_case_and_number() -> None:
    assert matched("Sandals in COTTON", a="one sandal", b="SANDALS") == {
        "a": ["sandals", "cotton"],
        "b": ["sandals", "cotton"],
    }


def test_a_part_of_a_word_is_not_the_word() -> None:
    assert matched("red", a="a hundred dresses", b="red.") == {"b": ["red"]}


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    found = described("red shoe", a="red", b="red", c="red", d="shoe", e="", f="red shoe")
    assert ["".join(np.array([*"abcdef"])[among]) for among in found.by_share()] == ["f", "d", "abc"]


def test_a_mark_upon_a_letter_does_not_end_a_word() -> None:
    assert matched("किताब", a="लाल किताब", b="लाल") == {"a": ["किताब"]}


@pytest.mark.parametrize("text", ["", "?!", "nothing of it", ".*"], ids=repr)
def test_a_text_without_known_words_matches_nothing(text: str) -> None:
    assert matched(text, a="red") == {}


def test_signs_around_a_word_are_not_part_of_it() -> None:
    assert matched("(red|", a="red") == {"a": ["red"]}


scores = st.dictionaries(st.text("abcdef", min_size=1, max_size=3).map(ImageId), st.sampled_from([0.1, 0.2, 0.9]))


@given(scores=scores, count=st.integers(1, 4), seed=st.randoms())
def test_pages_are_the_whole_order_cut_up_even_when_equals_come_in_any_order(
    scores: dict[ImageId, float], count: int, seed: "random.Random"
) -> None:
    class Shuffled(Scored):
        def nearest(self, count: int, among: Mask | None = None) -> list[Neighbour]:
            return Scored(dict(seed.sample([*self.scores.items()], len(self.scores)))).nearest(count, among)

    seen, after = list[Hit](), None
    while True:
        page, after = cut_page(ByLikeness(Shuffled(scores), -1), count, after)
        seen += page
        if after is None:
            break
    assert [each.image_id for each in seen] == sorted(scores, key=lambda name: (-scores[name], name))
