"""Words of a query found in the words of gold: what was said of an image, tagged, or read off it."""

import math
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from image_assets.labels import normalise_label

WORD_COLUMNS: Final = ("label", "predicted_label", "tags", "caption", "text")
"""Columns of gold that hold words."""

Bits: TypeAlias = npt.NDArray[np.uint32]
"""Which words of a query there are, bit 0 the first."""

_MOST_WORDS: Final = 32
_TEXTS: Final = pl.List(pl.String)


def words_of(text: str) -> list[str]:
    """The words that are looked for."""
    found: list[str] = pl.Series([normalise_label(text)]).str.extract_all(r"\w+").explode().drop_nulls().to_list()
    return list(dict.fromkeys(found))[:_MOST_WORDS]


def tokens_of(values: pl.DataFrame) -> pl.DataFrame:
    """The words of a column.

    Args:
        values: `code` and `value`, a text or a list of texts.

    Returns:
        `code` and `word`, once each, in small letters.
    """
    text = pl.col("value").list.join("\n", ignore_nulls=True) if values.schema["value"] == _TEXTS else pl.col("value")
    words = text.str.normalize("NFC").str.to_lowercase().str.extract_all(r"\w+").alias("word")
    return values.select("code", words).explode("word").drop_nulls().unique()


def word_bits(tokens: pl.DataFrame, words: Sequence[str]) -> pl.DataFrame:
    """Which values of a column hold which words, in the singular or the plural.

    Args:
        tokens: of the column: see `tokens_of`.
        words: those that are looked for.

    Returns:
        `code` and `bits` of the values with any: bit 0 is the first word's.
    """
    forms = [(form, 1 << place) for place, word in enumerate(words) for form in _forms(word)]
    looked_for = pl.DataFrame(forms, {"word": pl.String, "bits": pl.UInt32}, orient="row")
    return tokens.join(looked_for, on="word").group_by("code").agg(pl.col("bits").bitwise_or())


class WordMatches:
    """How much of a query describes which image.

    An image's share is the weight of its words out of the weight of all words that describe some image. A rare word
    weighs more, by the inverse document frequency of BM25 (Robertson and Zaragoza 2009); repetitions do not count,
    because these texts are short.

    Args:
        words: those that are looked for.
        bits: uint32, of each place: which words describe its image, bit 0 the first; 0 where no image may be found.
        images: how many images there are to choose from.
    """

    def __init__(self, words: Sequence[str], bits: Bits, images: int) -> None:
        kinds, counts = np.unique(bits[bits > 0], return_counts=True)
        held = {int(kind): [word for place, word in enumerate(words) if kind >> place & 1] for kind in kinds}
        number = {word: int(counts[[word in held[int(kind)] for kind in kinds]].sum()) for word in words}
        weight = {word: _weight(number[word], images) for word in words}
        whole = sum(weight.values()) or 1.0
        self._bits, self._held = bits, held
        self._shares = {kind: sum(weight[word] for word in its) / whole for kind, its in held.items()}

    @property
    def is_empty(self) -> bool:
        """Whether no word describes any image."""
        return not self._shares

    def by_share(self) -> Iterator[npt.NDArray[np.bool_]]:
        """The places of equal share, that of the highest first."""
        for share in sorted(set(self._shares.values()), reverse=True):
            yield np.isin(self._bits, [kind for kind, its in self._shares.items() if its == share])

    def words_at(self, place: int) -> Sequence[str]:
        """Those that describe the image at a place."""
        return self._held.get(int(self._bits[place]), ())


def _forms(word: str) -> tuple[str, str]:
    """The singular and the plural."""
    singular = word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
    return singular, f"{singular}s"


def _weight(images: int, of_images: int) -> float:
    return math.log(1 + (of_images - images + 0.5) / (images + 0.5)) if images else 0.0
