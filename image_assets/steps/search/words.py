"""Words of a query found in the words of gold: what was said of an image, tagged, or read off it."""

import math
import re
from collections.abc import Sequence
from typing import Final

import polars as pl

from image_assets.labels import normalise_label

WORD_COLUMNS: Final = ("label", "predicted_label", "tags", "caption", "text")
"""Columns of gold that hold words."""

_MOST_WORDS: Final = 32
_TEXTS: Final = pl.List(pl.String)


def words_of(text: str) -> list[str]:
    """The words that are looked for."""
    return list(dict.fromkeys(re.findall(r"\w+", normalise_label(text))))[:_MOST_WORDS]


def word_bits(values: pl.DataFrame, words: Sequence[str]) -> pl.DataFrame:
    """Which values of a column hold which words.

    Args:
        values: `code` and `value`, a text or a list of texts.
        words: those that are looked for.

    Returns:
        `code` and `bits` of the values with any: bit 0 is the first word's.
    """
    text = pl.col("value").list.join("\n", ignore_nulls=True) if values.schema["value"] == _TEXTS else pl.col("value")
    plain = values.select("code", text.str.normalize("NFC").str.to_lowercase().alias("text"))
    bits = [
        pl.col("text").str.contains(_pattern(word)).cast(pl.UInt32) * pl.lit(1 << place, dtype=pl.UInt32)
        for place, word in enumerate(words)
    ]
    has = pl.sum_horizontal([pl.lit(0, dtype=pl.UInt32), *bits]).cast(pl.UInt32)
    return plain.select("code", bits=has).filter(pl.col("bits") > 0)


def weigh_words(found: pl.DataFrame, words: Sequence[str], images: int) -> pl.DataFrame:
    """How much of a query describes which image.

    Args:
        found: `image_id` and `bits` of the images that any word describes.
        words: those that are looked for.
        images: how many there are to choose from.

    Returns:
        `image_id`, `words` (a list) and `share_ratio` of the images: the weight of their words out of the weight of all
        words that describe some image. A rare word weighs more, by the inverse document frequency of BM25 (Robertson
        and Zaragoza 2009); repetitions do not count, because these texts are short.
    """
    if found.is_empty():
        return pl.DataFrame(schema={"image_id": pl.String, "share_ratio": pl.Float64, "words": _TEXTS})
    kinds = found.group_by("bits").len("images").sort("bits")
    has = [(pl.col("bits") & pl.lit(1 << place, dtype=pl.UInt32)) > 0 for place in range(len(words))]
    counts = kinds.select(pl.col("images").filter(it).sum().alias(f"{place}") for place, it in enumerate(has)).row(0)
    weights = [_weight(count, images) for count in counts]
    share = pl.sum_horizontal([it * weight for it, weight in zip(has, weights, strict=True)]) / (sum(weights) or 1.0)
    held = pl.concat_list([pl.when(it).then(pl.lit(word)) for it, word in zip(has, words, strict=True)])
    weighed = kinds.select("bits", share_ratio=share, words=held.list.drop_nulls())
    return found.join(weighed, on="bits", maintain_order="left").drop("bits")


def _pattern(word: str) -> str:
    """The word by itself, in the singular or the plural."""
    singular = word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
    return rf"\b{re.escape(singular)}s?\b"


def _weight(images: int, of_images: int) -> float:
    return math.log(1 + (of_images - images + 0.5) / (images + 0.5)) if images else 0.0
