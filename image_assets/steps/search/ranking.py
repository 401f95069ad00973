"""In which order images are found, and how the order is cut into pages that stay the same while somebody turns them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import polars as pl

from image_assets.errors import SearchError
from image_assets.ids import ImageId
from image_assets.search.exact_search import Hit
from image_assets.search.rank_fusion import fuse

_CANDIDATES: Final = 1_000
"""So many images of each of two rankings are made into one; what comes behind in both is not found."""

_DEEPER: Final = 4


@dataclass(frozen=True, slots=True)
class Ranked:
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


Rank = Callable[[int], list[Ranked]]
"""The first so many images; fewer only when there are no more."""


class Nearest(Protocol):
    """The so many images nearest to the query, best first, of all that may be found or of those among the ids."""

    def __call__(self, count: int, among: pl.Series | None = None) -> list[Hit]:
        """See the class."""
        ...


def newest_first(images: pl.DataFrame) -> Rank:
    """Images (`image_id`, `day`) of the newest day first."""
    ordered = images.sort("day", "image_id", descending=[True, False])
    return lambda count: [
        Ranked(ImageId(name), float(day.toordinal()), None)
        for name, day in ordered.head(count).select("image_id", "day").iter_rows()
    ]


def by_likeness(nearest: Nearest, min_score: float) -> Rank:
    """Images by their score."""

    def rank(count: int) -> list[Ranked]:
        hits = nearest(count)
        return [Ranked(hit.image_id, hit.score, hit.score) for hit in hits if hit.score >= min_score]

    return rank


def by_likeness_and_words(nearest: Nearest, matches: pl.DataFrame, min_score: float) -> Rank:
    """Images by their places in two rankings: by score, and by the share of words (`match_words`), then score."""
    alike, described = nearest(_CANDIDATES), _described(nearest, matches)
    scores = {hit.image_id: hit.score for hit in (*alike, *described)}
    words = dict(matches.select("image_id", "words").iter_rows())
    fused = fuse([[hit.image_id for hit in ranking] for ranking in (alike, described)])
    ranked = [
        Ranked(name, relevance, scores[name], words.get(name, ()))
        for name, relevance in fused.items()
        if scores[name] >= min_score
    ]
    ordered = sorted(ranked, key=_place)
    return lambda count: ordered[:count]


def cut_page(rank: Rank, count: int, after: str | None) -> tuple[list[Ranked], str | None]:
    """The `count` images behind a mark, and the mark of the page after them; None for either means none.

    A mark names a place in the order, not a number of images: what comes or goes elsewhere shifts nothing.
    """
    mark = _place_of(after) if after is not None else None
    depth = count + 1
    while True:
        ranked = sorted(rank(depth), key=_place)
        behind = [each for each in ranked if mark is None or _place(each) > mark]
        is_all = len(ranked) < depth
        # Images as relevant as the page's last one may be missing while the deepest ones found are as relevant.
        if is_all or (len(behind) > count and ranked[-1].relevance < behind[count - 1].relevance):
            page = behind[:count]
            return page, _mark_of(page[-1]) if len(behind) > count else None
        depth *= _DEEPER


def _described(nearest: Nearest, matches: pl.DataFrame) -> list[Hit]:
    described: list[Hit] = []
    for _, alike in matches.sort("share_ratio", descending=True).group_by("share_ratio", maintain_order=True):
        if len(described) < _CANDIDATES:
            described += nearest(_CANDIDATES - len(described), among=alike.get_column("image_id"))
    return described


def _place(ranked: Ranked) -> tuple[float, ImageId]:
    return -ranked.relevance, ranked.image_id


def _mark_of(ranked: Ranked) -> str:
    return f"{ranked.relevance!r}_{ranked.image_id}"


def _place_of(mark: str) -> tuple[float, ImageId]:
    relevance, _, image_id = mark.partition("_")
    try:
        place = -float(relevance), ImageId(image_id)
    except ValueError as error:
        raise SearchError(f"{mark!r} is no mark of a page: pass on what the page before said") from error
    if not image_id or math.isnan(place[0]):
        raise SearchError(f"{mark!r} is no mark of a page: pass on what the page before said")
    return place
