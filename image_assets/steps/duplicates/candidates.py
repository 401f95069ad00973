"""Earlier photos that a photo may show: found by their hashes, sifted by their vectors, file after file of the pool."""

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import numpy as np
import polars as pl

from image_assets.search.near_duplicates import turned
from image_assets.steps.duplicates.pair_decisions import PairDecisions
from image_assets.steps.duplicates.pool import ARRIVAL, DuplicatePool
from image_assets.tables.duplicates import TURNS

TURNED_BITS = 10
"""Bits in which the hashes of turned pictures may differ: no vector sifts most of what is found there."""

# A vector hardly tells left from right, but up from down.
_COMPARABLE_TURNS = TURNS[:2]
# Of unlike photos one in a thousand pairs is near by its hash: some millions of ten bytes are sought at a time.
_PHOTOS_AT_ONCE, _PAIRS_SOUGHT = 1_000, 1 << 32
_COSINES_AT_ONCE = 1 << 14

FIRST: Final = [f"first_{name}" for name in ARRIVAL]
_OTHER: Final = [f"other_{name}" for name in ("day", "uploaded_at", "id")]
_ENDS: Final[tuple[Literal["left", "right"], ...]] = ("left", "right")
_NO_PAIRS = pl.DataFrame(
    schema={
        "photo": pl.String,
        "day": pl.Date,
        "uploaded_at": pl.Datetime("us", "UTC"),
        "image_id": pl.String,
        "distance_bits": pl.UInt8,
        "turn": pl.Enum(TURNS),
        "sha256": pl.String,
        "other": pl.String,
        "other_id": pl.String,
        "other_day": pl.Date,
        "other_uploaded_at": pl.Datetime("us", "UTC"),
        "similarity": pl.Float32,
    }
)


def candidates_of(pool: DuplicatePool, firsts: pl.DataFrame, decisions: PairDecisions, least: float) -> pl.DataFrame:
    """Earlier photos that the first images of some photos may show.

    Args:
        pool: where they are sought.
        firsts: an image of each photo, as the pool has it.
        decisions: which copies are photos of their own.
        least: cosine of the vectors, where both are there and tell something of that turn.

    Returns:
        A row per photo, earlier one and turn: both images and, as `FIRST`, when the other photo first came.
    """
    shown = firsts.filter(~pl.col("is_near_uniform"))
    at_once = max(_PHOTOS_AT_ONCE, _PAIRS_SOUGHT // max(1, pool.numbers.len()))
    parts = [part for some in shown.iter_slices(at_once) for part in _near_parts(pool, some, decisions, least)]
    pairs = pl.concat([*parts, _NO_PAIRS]) if parts else _NO_PAIRS
    earliest = pairs.sort(_OTHER).unique(["photo", "other"], keep="first")
    earliest = earliest.select(
        "photo", "other", *(pl.col(name).alias(first) for name, first in zip(_OTHER, FIRST, strict=True))
    )
    # Copies of the other photo have its pixels. By photo, so that each is read about once.
    pairs = pairs.sort("photo", "distance_bits", "turn", "other_id").unique(
        ["photo", "other", "turn"], keep="first", maintain_order=True
    )
    return pairs.join(earliest, on=["photo", "other"], maintain_order="left")


def _near_parts(
    pool: DuplicatePool, shown: pl.DataFrame, decisions: PairDecisions, least: float
) -> Iterator[pl.DataFrame]:
    """Pairs with earlier photos, file after file of the pool: of a million hashes a thousand are near to any."""
    near, mine = _near_places(pool, shown), pool.vectors_of(shown)
    for images, theirs in pool.images_with(pool.numbers.gather(near["place"].unique())):
        others = with_photo(images, decisions).select(
            "phash", "sha256", other="photo", other_id="image_id", other_day="day", other_uploaded_at="uploaded_at"
        )
        pairs = _joined(near, pool.numbers.search_sorted(others["phash"]), others.drop("phash"))
        pairs = pl.concat([shown.select("photo", *ARRIVAL)[pairs["row"]], pairs.drop("row", "place")], how="horizontal")
        pairs = pairs.filter(is_before(_OTHER, ARRIVAL) & (pl.col("photo") != pl.col("other")))
        yield pairs.with_columns(similarity=_similarities(pairs, mine, theirs)).filter(_is_alike(least))


def _joined(near: pl.DataFrame, places: pl.Series, others: pl.DataFrame) -> pl.DataFrame:
    """The near places, which are sorted, with every image that is at one of them."""
    first, last = (near["place"].search_sorted(places, side=side).cast(pl.Int64) for side in _ENDS)
    counts = (last - first).to_numpy()
    which = np.repeat(np.arange(counts.size), counts)
    within = np.arange(which.size) - np.repeat(np.cumsum(counts) - counts, counts)
    found = pl.Series(np.repeat(first.to_numpy(), counts) + within, dtype=pl.Int64)
    return pl.concat([near[found], others[pl.Series(which, dtype=pl.Int64)]], how="horizontal")


def _similarities(pairs: pl.DataFrame, mine: pl.DataFrame, theirs: pl.DataFrame) -> pl.Series:
    """Cosine of the vectors of `image_id` and `other_id`; null where one is missing."""
    similarity = np.full(pairs.height, np.nan, dtype=np.float32)
    numbered = pairs.select("image_id", "other_id").with_row_index("pair")
    numbered = numbered.join(mine.select("image_id").with_row_index("row"), on="image_id")
    numbered = numbered.join(theirs.select(other_id="image_id").with_row_index("other_row"), on="other_id")
    for some in numbered.iter_slices(_COSINES_AT_ONCE):
        one, other = mine["embedding"].gather(some["row"]), theirs["embedding"].gather(some["other_row"])
        similarity[some["pair"].to_numpy()] = np.einsum("ij,ij->i", one.to_numpy(), other.to_numpy())
    return pl.Series(similarity).fill_nan(None)


def with_photo(images: pl.DataFrame, decisions: PairDecisions) -> pl.DataFrame:
    """Images with the photo that each is a copy of."""
    is_apart = pl.col("image_id").is_in(list(decisions.apart))
    return images.with_columns(photo=pl.when(is_apart).then("image_id").otherwise("sha256"))


def _near_places(pool: DuplicatePool, shown: pl.DataFrame) -> pl.DataFrame:
    """Every hash of the pool near to an image's, however that is turned, by its place; and that image's row."""
    hashes = shown["phash"].to_numpy()
    parts = []
    for turn, variant in zip(TURNS, (hashes, *turned(hashes)), strict=True):
        bits_apart = pool.hashes.radius if turn == TURNS[0] else min(TURNED_BITS, pool.hashes.radius)
        pairs = pool.hashes.pairs(variant, bits_apart)
        rows, places = pl.Series(pairs.new, dtype=pl.UInt32), pl.Series(pairs.pool, dtype=pl.UInt32)
        found = pl.DataFrame({"row": rows, "place": places, "distance_bits": pl.Series(pairs.bits)})
        parts.append(found.with_columns(turn=pl.lit(turn, dtype=pl.Enum(TURNS))))
    return pl.concat(parts).sort("place")


def is_before(one: Sequence[str], other: Sequence[str]) -> pl.Expr:
    """Whether what these columns say of an image's arrival is before what those say."""
    (first, *rest), (theirs, *others) = one, other
    is_earlier = pl.col(first) < pl.col(theirs)
    return is_earlier | ((pl.col(first) == pl.col(theirs)) & is_before(rest, others)) if rest else is_earlier


def _is_alike(least: float) -> pl.Expr:
    is_comparable = pl.col("similarity").is_not_null() & pl.col("turn").is_in(_COMPARABLE_TURNS)
    return ~is_comparable | (pl.col("similarity") >= least)
