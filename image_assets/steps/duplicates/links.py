"""Which photos show the same picture: found by their hashes, sifted by their vectors, decided by their pixels."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from image_assets.errors import ImageError
from image_assets.ids import ImageId
from image_assets.imaging.likeness import Outline, lay_over, outline
from image_assets.imaging.pixels import RgbImage
from image_assets.imaging.read_back import read_pixels
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.search.near_duplicates import turned
from image_assets.steps.duplicates.canonicals import choose_canonicals
from image_assets.steps.duplicates.pair_decisions import PairDecisions
from image_assets.steps.duplicates.pool import ARRIVAL, DuplicatePool
from image_assets.steps.images.original import read_object
from image_assets.steps.increment.read_ahead import map_ahead
from image_assets.tables.duplicates import TURNS

LINKS = pl.Schema(
    [
        ("photo", pl.String),
        ("other", pl.String),
        ("sha256", pl.String),
        ("distance_bits", pl.UInt8),
        ("similarity", pl.Float32),
        ("likeness", pl.Float32),
        ("turn", pl.Enum(TURNS)),
    ]
)
"""From a photo to an earlier one: its key, its digest and how alike they are."""

TURNED_BITS = 10
"""Bits in which the hashes of turned pictures may differ: no vector sifts most of what is found there."""

# A vector hardly tells left from right, but up from down.
_COMPARABLE_TURNS = TURNS[:2]
# A picture takes 1 MB, an outline a tenth of it.
_PICTURES_KEPT, _OUTLINES_KEPT, _PAIRS_AHEAD = 64, 1024, 64


@dataclass(frozen=True, slots=True)
class DuplicateParams:
    """When two pictures count as one photo; the defaults are measured by benchmarks/duplicates.py.

    Attributes:
        max_bits: pictures whose hashes differ in more are never compared, `TURNED_BITS` if turned; 0 to 16.
        min_similarity: least cosine of the vectors, where both are there; it spares the look at most pictures.
        min_likeness: least correlation of the details, one picture laid over the other; who reaches it is looked at
            close up.
    """

    max_bits: int = 14
    min_similarity: float = 0.92
    min_likeness: float = 0.75


def find_links(
    pool: DuplicatePool, digests: pl.Series, decisions: PairDecisions, params: DuplicateParams
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """All images and links that decide what stands for the images with these digests.

    Whether an earlier photo stands for itself depends on still earlier ones: so it goes on until none is new. A photo
    is compared with those that may stand for it, the earliest first: of a thousand copies each is compared with one.
    """
    images, links = [pool.copies_of(digests.clear()).with_columns(photo="image_id")], [pl.DataFrame(schema=LINKS)]
    near = [_candidates_of(pool, _firsts_of(images[0]), decisions, params)]
    known, at_once = digests.clear(), 1
    while True:
        if digests.len():
            images.append(_with_photo(pool.copies_of(digests), decisions))
            near.append(_candidates_of(pool, _firsts_of(images[-1]), decisions, params))
            known = pl.concat([known, digests])
        firsts = _firsts_of(pl.concat(images))
        pairs = _to_compare(pl.concat(near), _stand_ins(firsts, pl.concat(links), decisions), at_once)
        if pairs.is_empty() and digests.is_empty():
            return pl.concat(images), pl.concat(links)
        links.append(_verified(pool.tables.store, pairs, params))
        near, at_once = [pl.concat(near).join(pairs, on=["photo", "other"], how="anti")], 2 * at_once
        joined = pl.Series(_joined_digests(firsts, decisions), dtype=pl.String)
        digests = pl.concat([links[-1]["sha256"], joined]).unique()
        digests = digests.filter(~digests.is_in(known.implode()))


def _firsts_of(images: pl.DataFrame) -> pl.DataFrame:
    """The first image of each photo, the earliest first."""
    return images.sort(ARRIVAL).unique("photo", keep="first", maintain_order=True)


def _stand_ins(firsts: pl.DataFrame, links: pl.DataFrame, decisions: PairDecisions) -> pl.DataFrame:
    """What stands for each photo by what is known so far: `photo`, `canonical` and when that arrived."""
    near = links.select("photo", "other").rows()
    chosen = choose_canonicals(firsts["photo"].to_list(), near, decisions.same, decisions.different)
    arrivals = firsts.select(canonical="photo", **dict(zip(_CANONICAL, ARRIVAL, strict=True)))
    return pl.DataFrame({"photo": chosen.keys(), "canonical": chosen.values()}).join(arrivals, on="canonical")


def _to_compare(near: pl.DataFrame, stand_ins: pl.DataFrame, at_once: int) -> pl.DataFrame:
    """Of each photo so many of the earliest that may stand for it before, or as, what stands for it so far."""
    others = stand_ins.select(other="photo", leader="canonical")
    pairs = near.join(stand_ins, on="photo").join(others, on="other", how="left")
    is_leader = pl.col("leader").is_null() | (pl.col("leader") == pl.col("other"))
    pairs = pairs.filter(is_leader & ~_is_before(_CANONICAL, _FIRST))
    pairs = pairs.sort("photo", *_FIRST, "turn")
    is_next = pl.col("other").rle_id().rank("dense").over("photo") <= at_once
    return pairs.filter(is_next).select(near.columns)


def _with_photo(images: pl.DataFrame, decisions: PairDecisions) -> pl.DataFrame:
    is_apart = pl.col("image_id").is_in(list(decisions.apart))
    return images.with_columns(photo=pl.when(is_apart).then("image_id").otherwise("sha256"))


def _joined_digests(firsts: pl.DataFrame, decisions: PairDecisions) -> Iterator[str]:
    """Of the photos that people joined with these."""
    photos = set(firsts["photo"])
    for pair in decisions.same:
        if photos.intersection(pair):
            yield from (decisions.sha256_of[photo] for photo in pair)


def _candidates_of(
    pool: DuplicatePool, firsts: pl.DataFrame, decisions: PairDecisions, params: DuplicateParams
) -> pl.DataFrame:
    """Earlier photos that these may show, by their hashes and vectors."""
    pairs = _near_pairs(pool, firsts.filter(~pl.col("is_near_uniform")))
    others = _with_photo(pool.images_at(pairs["place"]), decisions)
    others = others.select(
        "place", "sha256", other="photo", other_id="image_id", other_day="day", other_uploaded_at="uploaded_at"
    )
    pairs = pairs.join(others, on="place").filter(_IS_EARLIER & (pl.col("photo") != pl.col("other")))
    firsts = pairs.sort(_OTHER).unique(["photo", "other"], keep="first")
    firsts = firsts.select(
        "photo", "other", *(pl.col(name).alias(first) for name, first in zip(_OTHER, _FIRST, strict=True))
    )
    # Copies of the other photo have its pixels. By photo, so that each is read about once.
    pairs = pairs.sort("photo", "distance_bits", "turn", "other_id").unique(
        ["photo", "other", "turn"], keep="first", maintain_order=True
    )
    pairs = pairs.with_columns(similarity=pool.similarities(pairs)).filter(_is_alike(params))
    return pairs.join(firsts, on=["photo", "other"], maintain_order="left")


def _verified(store: ObjectStore, pairs: pl.DataFrame, params: DuplicateParams) -> pl.DataFrame:
    """The links among pairs, by their pixels."""
    likenesses = _likenesses(store, pairs, params.min_likeness)
    pairs = pairs.with_columns(likeness=likenesses).drop_nulls("likeness")
    # A symmetrical picture is near in several turns, and its hash does not tell which one is right.
    links = pairs.sort("likeness", descending=True, maintain_order=True).unique(["photo", "other"], keep="first")
    return links.select(*LINKS).cast(LINKS)


def _is_before(one: Sequence[str], other: Sequence[str]) -> pl.Expr:
    """Whether what these columns say of an image's arrival is before what those say."""
    (first, *rest), (theirs, *others) = one, other
    is_before = pl.col(first) < pl.col(theirs)
    return is_before | ((pl.col(first) == pl.col(theirs)) & _is_before(rest, others)) if rest else is_before


_OTHER = ["other_day", "other_uploaded_at", "other_id"]
_FIRST, _CANONICAL = ([f"{whose}_{name}" for name in ARRIVAL] for whose in ("first", "canonical"))
_IS_EARLIER = _is_before(_OTHER, ARRIVAL)


def _is_alike(params: DuplicateParams) -> pl.Expr:
    is_comparable = pl.col("similarity").is_not_null() & pl.col("turn").is_in(_COMPARABLE_TURNS)
    return ~is_comparable | (pl.col("similarity") >= params.min_similarity)


def _near_pairs(pool: DuplicatePool, firsts: pl.DataFrame) -> pl.DataFrame:
    """Every hash of the pool near to a first image's, however that is turned: its place, bits and turn."""
    hashes = firsts["phash"].to_numpy()
    parts = []
    for turn, variant in zip(TURNS, (hashes, *turned(hashes)), strict=True):
        bits_apart = pool.hashes.radius if turn == TURNS[0] else min(TURNED_BITS, pool.hashes.radius)
        pairs = pool.hashes.pairs(variant, bits_apart)
        found = firsts.select("photo", *ARRIVAL)[pairs.new]
        bits, places = pl.Series(pairs.bits), pl.Series(pairs.pool)
        parts.append(found.with_columns(place=places, distance_bits=bits, turn=pl.lit(turn, dtype=pl.Enum(TURNS))))
    return pl.concat(parts)


def _likenesses(store: ObjectStore, pairs: pl.DataFrame, least: float) -> pl.Series:
    """How well each picture lies over the other one; null for two photos or where a cleansed file is damaged."""
    # Imported here, because settings know this module and need no SciPy.
    from image_assets.imaging.close_up import is_same_close_up

    @lru_cache(maxsize=_PICTURES_KEPT)
    def picture_of(day: date, image_id: ImageId) -> RgbImage:
        return read_pixels(read_object(store, object_keys.silver_key(day, image_id)))

    @lru_cache(maxsize=_OUTLINES_KEPT)
    def outline_of(day: date, image_id: ImageId) -> Outline:
        return outline(picture_of(day, image_id))

    def compare(pair: tuple[date, ImageId, str, date, ImageId]) -> float | None:
        one, other, turn = pair[:2], pair[3:], TURNED[pair[2]]
        try:
            overlay = lay_over(turn(outline_of(*one)), outline_of(*other))
            if overlay.likeness < least:
                return None
            is_same = is_same_close_up(turn(picture_of(*one)), picture_of(*other), overlay.warp)
        except ImageError:
            return None
        return overlay.likeness if is_same else None

    rows = pairs.select("day", "image_id", "turn", "other_day", "other_id").iter_rows()
    return pl.Series(map_ahead(compare, rows, _PAIRS_AHEAD), dtype=pl.Float32)


TURNED: Mapping[str, Callable[[npt.NDArray[Any]], npt.NDArray[Any]]] = {
    "upright": lambda picture: picture,
    "mirrored": np.fliplr,
    "flipped": np.flipud,
    "half_turn": lambda picture: np.rot90(picture, 2),
    "transposed": lambda picture: np.swapaxes(picture, 0, 1),
    "quarter_turn": lambda picture: np.rot90(picture, -1),
    "three_quarter_turn": lambda picture: np.rot90(picture, 1),
    "transversed": lambda picture: np.rot90(np.swapaxes(picture, 0, 1), 2),
}
"""What brings a picture into the position of the one that it is a copy of."""
