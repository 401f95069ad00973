"""In which order images are found, and how the order is cut into pages that stay the same while somebody turns them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import polars as pl

from image_assets.errors import SearchError
from image_assets.ids import ImageId
from image_assets.search.rank_fusion import fuse
from image_assets.steps.search.vector_pool import Mask, Neighbour
from image_assets.steps.search.words import WordMatches

_CANDIDATES: Final = 1_000
"""So many images of each of two rankings are made into one; what comes behind in both is not found."""

_DEEPER: Final = 4


Place = tuple[float, ImageId]
"""Of an image in an order: the more relevant first, equals by id."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An image in its place: by falling relevance, then by id.

    Attributes:
        image_id: which image.
        relevance: decides the place; means nothing by itself.
        score: cosine similarity to what was asked for; None when nothing was.
        words: of the query, by which the image is described.
    """

    image_id: ImageId
    relevance: float
    score: float | None
    words: Sequence[str] = ()


class Ranking(Protocol):
    """Images in an order, looked for no farther than anybody asks."""

    def first(self, count: int) -> Sequence[Hit]:
        """The first so many, equals in any order; fewer only when there are no more."""
        ...


class Likeness(Protocol):
    """What is asked for, and the images that may be found."""

    def nearest(self, count: int, among: Mask | None = None) -> Sequence[Neighbour]:
        """The so many images nearest to it, best first; of those among the places alone, if there are any."""
        ...


@dataclass(frozen=True, slots=True)
class ByLikeness:
    """Images by their score."""

    likeness: Likeness
    min_score: float

    def first(self, count: int) -> Sequence[Hit]:
        """See `Ranking`."""
        found = self.likeness.nearest(count)
        return [Hit(each.image_id, each.score, each.score) for each in found if each.score >= self.min_score]


class ByLikenessAndWords:
    """Images by their places in two rankings: by score, and by the share of words (`WordMatches`), then score."""

    def __init__(self, likeness: Likeness, matches: WordMatches, min_score: float) -> None:
        alike, described = likeness.nearest(_CANDIDATES), _described(likeness, matches)
        known = {each.image_id: each for each in [*alike, *described]}
        fused = fuse([[each.image_id for each in ranking] for ranking in (alike, described)])
        found = [
            Hit(name, relevance, known[name].score, matches.words_at(known[name].place))
            for name, relevance in fused.items()
            if known[name].score >= min_score
        ]
        self._found = sorted(found, key=_place)

    def first(self, count: int) -> Sequence[Hit]:
        """See `Ranking`."""
        return self._found[:count]


class ByWords:
    """Images that words describe, by the share of these alone: for a text whose looks nobody knows.

    Args:
        image_ids: of each place.
        matches: which words describe which.
    """

    def __init__(self, image_ids: pl.Series, matches: WordMatches) -> None:
        self._found = [
            Hit(ImageId(image_ids[int(place)]), -float(rank), None, matches.words_at(int(place)))
            for rank, among in enumerate(matches.by_share())
            for place in np.flatnonzero(among)
        ]

    def first(self, count: int) -> Sequence[Hit]:
        """See `Ranking`."""
        return sorted(self._found, key=_place)[:count]


def cut_page(ranking: Ranking, count: int, after: str | None) -> tuple[Sequence[Hit], str | None]:
    """The `count` images behind a mark, and the mark of the page after them; None for either means none.

    A mark names a place in the order, not a number of images: what comes or goes elsewhere shifts nothing.
    """
    mark = place_of(after) if after is not None else None
    depth = count + 1
    while True:
        ranked = sorted(ranking.first(depth), key=_place)
        behind = [each for each in ranked if mark is None or _place(each) > mark]
        is_all = len(ranked) < depth
        # Images as relevant as the page's last one may be missing while the deepest ones found are as relevant.
        if is_all or (len(behind) > count and ranked[-1].relevance < behind[count - 1].relevance):
            page = behind[:count]
            return page, mark_of(page[-1]) if len(behind) > count else None
        depth *= _DEEPER


def in_order(hits: Iterable[Hit]) -> list[Hit]:
    """Hits in their places."""
    return sorted(hits, key=_place)


def _described(likeness: Likeness, matches: WordMatches) -> Sequence[Neighbour]:
    described: list[Neighbour] = []
    for among in matches.by_share():
        if len(described) < _CANDIDATES:
            described += likeness.nearest(_CANDIDATES - len(described), among)
    return described


def _place(hit: Hit) -> Place:
    return -hit.relevance, hit.image_id


def mark_of(hit: Hit) -> str:
    """What asks for the page behind an image."""
    return f"{hit.relevance!r}_{hit.image_id}"


def place_of(mark: str) -> Place:
    """Where a mark stands in the order; `SearchError` when no page gave it."""
    relevance, _, image_id = mark.partition("_")
    try:
        place = -float(relevance), ImageId(image_id)
    except ValueError as error:
        raise no_mark(mark) from error
    if not image_id or math.isnan(place[0]):
        raise no_mark(mark)
    return place


def no_mark(mark: str) -> SearchError:
    """What is wrong with a mark that no page gave."""
    return SearchError(f"{mark!r} is no mark of a page: pass on what the page before said")
