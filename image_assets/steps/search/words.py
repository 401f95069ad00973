"""Words of a query found in the words of gold: what was said of an image, tagged, or read off it."""

import math
import re
from typing import Final

import polars as pl

from image_assets.labels import normalise_label

WORD_COLUMNS: Final = ("label", "predicted_label", "tags", "caption", "text")
"""Columns of gold that hold words."""

_MOST_WORDS: Final = 32


def match_words(rows: pl.DataFrame, text: str) -> pl.DataFrame:
    """Which images are described with which words of a text.

    Args:
        rows: `image_id` and `WORD_COLUMNS`.
        text: the query.

    Returns:
        `image_id`, `words` (a list) and `share_ratio` of the images with any: the weight of their words out of the
        weight of all words that describe some image. A rare word weighs more, by the inverse document frequency of
        BM25 (Robertson and Zaragoza 2009); repetitions do not count, because these texts are short.
    """
    words = list(dict.fromkeys(re.findall(r"\w+", normalise_label(text))))[:_MOST_WORDS]
    if not words:
        return pl.DataFrame(schema={"image_id": pl.String, "share_ratio": pl.Float64, "words": pl.List(pl.String)})
    document = pl.concat_str([_text_of(rows, name) for name in WORD_COLUMNS], separator="\n", ignore_nulls=True)
    has = rows.select(document.str.normalize("NFC").str.to_lowercase().alias("document")).select(
        pl.col("document").str.contains(_pattern(word)).alias(word) for word in words
    )
    weights = {word: _weight(int(has.get_column(word).sum()), rows.height) for word in words}
    total = sum(weights.values()) or 1.0
    share = pl.sum_horizontal([pl.col(word) * weight for word, weight in weights.items()]) / total
    held = pl.concat_list([pl.when(pl.col(word)).then(pl.lit(word)) for word in words]).list.drop_nulls()
    found = has.select(share_ratio=share, words=held)
    return rows.select("image_id").with_columns(found).filter(pl.col("share_ratio") > 0)


def _text_of(rows: pl.DataFrame, name: str) -> pl.Expr:
    dtype = rows.schema[name]
    if not isinstance(dtype, pl.List):
        return pl.col(name).cast(pl.String)
    element = pl.element()
    if isinstance(dtype.inner, pl.Struct):
        element = element.struct.field(dtype.inner.fields[0].name)
    return pl.col(name).list.eval(element).list.join("\n", ignore_nulls=True)


def _pattern(word: str) -> str:
    """The word by itself, in the singular or the plural."""
    singular = word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
    return rf"\b{re.escape(singular)}s?\b"


def _weight(images: int, of_images: int) -> float:
    return math.log(1 + (of_images - images + 0.5) / (images + 0.5)) if images else 0.0
