"""Words of a query in the words that describe images."""

import polars as pl
import pytest

from image_assets.steps.search.words import tokens_of, word_bits, words_of


@pytest.mark.parametrize("query", ["H\xf6schen", "ho\u0308schen", " H\xd6SCHEN "])
@pytest.mark.parametrize("label", ["h\xf6schen", "ho\u0308schen"])
def test_a_word_is_found_however_accents_are_encoded(query: str, label: str) -> None:
    values = pl.DataFrame({"code": [1, 2], "value": [label, "hat"]})
    assert word_bits(tokens_of(values), words_of(query)).rows() == [(1, 1)]


def test_each_word_has_a_bit_of_its_own() -> None:
    values = pl.DataFrame({"code": [1, 2, 3], "value": [["red", "cotton"], ["Reds"], ["blue", None]]})
    assert sorted(word_bits(tokens_of(values), words_of("cotton red")).rows()) == [(1, 0b11), (2, 0b10)]
