"""In which order images are found, and how the order is cut into pages that stay the same while somebody turns them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import polars as pl

from image_assets.errors import SearchError
from image_assets.ids import ImageId
from image_assets.search.rank_fusion import fuse

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

    def nearest(self, count: int, among: pl.Series | None = None) -> Mapping[ImageId, float]:
        """Cosines of the so many images nearest to it, best first; of those among the ids alone, if there are any."""
        ...


@dataclass(frozen=True, slots=True)
class ByLikeness:
    """Images by their score."""

    likeness: Likeness
    min_score: float

    def first(self, count: int) -> Sequence[Hit]:
        """See `Ranking`."""
        found = self.likeness.nearest(count)
        return [Hit(name, score, score) for name, score in found.items() if score >= self.min_score]


class ByLikenessAndWords:
    """Images by their places in two rankings: by score, and by the share of words (`match_words`), then score."""

    def __init__(self, likeness: Likeness, matches: pl.DataFrame, min_score: float) -> None:
        alike, described = likeness.nearest(_CANDIDATES), _described(likeness, matches)
        scores = {**alike, **described}
        held = matches.filter(pl.col("image_id").is_in([*scores])).select("image_id", "words")
        words: Mapping[ImageId, Sequence[str]] = dict(held.iter_rows())
        found = [
            Hit(name, relevance, scores[name], words.get(name, ()))
            for name, relevance in fuse([[*alike], [*described]]).items()
            if scores[name] >= min_score
        ]
        self._found = sorted(found, key=_place)

    def first(self, count: int) -> Sequence[Hit]:
        """See `Ranking`."""
        return self._found[:count]


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


def _described(likeness: Likeness, matches: pl.DataFrame) -> Mapping[ImageId, float]:
    described: dict[ImageId, float] = {}
    for _, alike in matches.sort("share_ratio", descending=True).group_by("share_ratio", maintain_order=True):
        if len(described) < _CANDIDATES:
            described |= likeness.nearest(_CANDIDATES - len(described), among=alike.get_column("image_id"))
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
