"""In which order images are found and how the order is cut into pages."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_assets.ids import ImageId
from image_assets.search.rank_fusion import fuse
from image_assets.steps.search.ranking import ByLikeness, ByLikenessAndWords, Hit, cut_page
from image_assets.steps.search.words import WORD_COLUMNS, weigh_words, word_bits, words_of


@dataclass(frozen=True)
class Scored:
    """A question whose answer is known."""

    scores: Mapping[ImageId, float]

    def nearest(self, count: int, among: pl.Series | None = None) -> dict[ImageId, float]:
        found = [(name, score) for name, score in self.scores.items() if among is None or name in among]
        return dict(sorted(found, key=lambda each: -each[1])[:count])


A_TO_C = Scored({ImageId(name): 1 - place / 10 for place, name in enumerate("abc")})


def described(text: str, **captions: str) -> pl.DataFrame:
    """Matches of a text with the captions, all of which are tagged with cotton."""
    rows = pl.DataFrame({"image_id": [*captions], "caption": [*captions.values()]}).with_row_index("code")
    rows = rows.with_columns(label=None, predicted_label=None, tags=pl.lit(["cotton"]), text=None)
    words = words_of(text)
    parts = [
        word_bits(
            rows.select("code", value=pl.col(name).cast(pl.List(pl.String) if name == "tags" else pl.String)), words
        )
        for name in WORD_COLUMNS
    ]
    bits = pl.concat(parts).group_by("code").agg(pl.col("bits").bitwise_or())
    return weigh_words(bits.join(rows, on="code").select("image_id", "bits"), words, rows.height)


def matched(text: str, **captions: str) -> dict[str, list[str]]:
    return dict(described(text, **captions).select("image_id", "words").iter_rows())


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
    found = described("red shoe", a="red", b="red", c="red", d="shoe", e="")
    shares = dict(found.select("image_id", "share_ratio").iter_rows())
    assert shares["d"] > shares["a"] > 0
    assert shares["a"] + shares["d"] == pytest.approx(1)


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
        def nearest(self, count: int, among: pl.Series | None = None) -> dict[ImageId, float]:
            return Scored(dict(seed.sample([*self.scores.items()], len(self.scores)))).nearest(count, among)

    seen, after = list[Hit](), None
    while True:
        page, after = cut_page(ByLikeness(Shuffled(scores), -1), count, after)
        seen += page
        if after is None:
            break
    assert [each.image_id for each in seen] == sorted(scores, key=lambda name: (-scores[name], name))
