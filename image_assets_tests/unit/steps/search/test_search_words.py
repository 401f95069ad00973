"""Words of a query in the words that describe images."""

import polars as pl
import pytest

from image_assets.steps.search.words import WORD_COLUMNS, match_words


@pytest.mark.parametrize("query", ["H\xf6schen", "ho\u0308schen", " H\xd6SCHEN "])
@pytest.mark.parametrize("label", ["h\xf6schen", "ho\u0308schen"])
def test_a_word_is_found_however_accents_are_encoded(query: str, label: str) -> None:
    rows = pl.DataFrame(
        {"image_id": ["a", "b"], **{name: [None, None] for name in WORD_COLUMNS}, "label": [label, "hat"]}
    )
    rows = rows.cast(dict.fromkeys(WORD_COLUMNS, pl.String))
    assert match_words(rows, query).get_column("image_id").to_list() == ["a"]
