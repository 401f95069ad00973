"""Which photos show the same picture: found by their hashes, sifted by their vectors, decided by their pixels."""

from collections.abc import Callable, Iterator, Mapping
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
from image_assets.steps.duplicates.candidates import FIRST, candidates_of, is_before, with_photo
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

# A picture takes 1 MB, an outline a tenth of it.
_PICTURES_KEPT, _OUTLINES_KEPT, _PAIRS_AHEAD = 64, 1024, 64


@dataclass(frozen=True, slots=True)
class DuplicateParams:
    """When two pictures count as one photo; the defaults are measured by benchmarks/duplicates.py.

    Attributes:
        max_bits: pictures whose hashes differ in more are never compared, ten if turned; 0 to 16.
        min_similarity: least cosine of the vectors, where both are there; it spares the look at most pictures.
        min_likeness: least correlation of the details, one picture laid over the other; who reaches it is looked at
            close up.
    """

    max_bits: int = 14
    min_similarity: float = 0.92
    min_likeness: float = 0.75


_CANONICAL = [f"canonical_{name}" for name in ARRIVAL]


def find_links(
    pool: DuplicatePool, digests: pl.Series, decisions: PairDecisions, params: DuplicateParams
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """All images and links that decide what stands for the images with these digests.

    Whether an earlier photo stands for itself depends on still earlier ones: so it goes on until none is new. A photo
    is compared with those that may stand for it, the earliest first: of a thousand copies each is compared with one.
    """
    images, links = [pool.copies_of(digests.clear()).with_columns(photo="image_id")], [pl.DataFrame(schema=LINKS)]
    near = [candidates_of(pool, _firsts_of(images[0]), decisions, params.min_similarity)]
    known, at_once = digests.clear(), 1
    while True:
        if digests.len():
            images.append(with_photo(pool.copies_of(digests), decisions))
            near.append(candidates_of(pool, _firsts_of(images[-1]), decisions, params.min_similarity))
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
    pairs = pairs.filter(is_leader & ~is_before(_CANONICAL, FIRST))
    pairs = pairs.sort("photo", *FIRST, "turn")
    is_next = pl.col("other").rle_id().rank("dense").over("photo") <= at_once
    return pairs.filter(is_next).select(near.columns)


def _joined_digests(firsts: pl.DataFrame, decisions: PairDecisions) -> Iterator[str]:
    """Of the photos that people joined with these."""
    photos = set(firsts["photo"])
    for pair in decisions.same:
        if photos.intersection(pair):
            yield from (decisions.sha256_of[photo] for photo in pair)


def _verified(store: ObjectStore, pairs: pl.DataFrame, params: DuplicateParams) -> pl.DataFrame:
    """The links among pairs, by their pixels."""
    likenesses = _likenesses(store, pairs, params.min_likeness)
    pairs = pairs.with_columns(likeness=likenesses).drop_nulls("likeness")
    # A symmetrical picture is near in several turns, and its hash does not tell which one is right.
    links = pairs.sort("likeness", descending=True, maintain_order=True).unique(["photo", "other"], keep="first")
    return links.select(*LINKS).cast(LINKS)


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
