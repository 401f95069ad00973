"""Lists in which people turn pages back and forth: how long they are, where a page stands, what is before and behind.

A list that nothing is asked about is as long as the lake and is never held: each page is a query. What is like a text,
a picture or an image is ranked as far down as anybody looks, and held.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Final, Protocol

from image_assets.ids import ImageId
from image_assets.steps.search.gallery import (
    KEYS,
    Gallery,
    Order,
    Wanted,
    behind,
    checked_place,
    shown_of,
)
from image_assets.steps.search.ranking import Hit, in_order, mark_of, place_of

MOST_FOUND: Final = 2_000
"""Images that are ranked by likeness; nobody turns 33 pages."""


class Sort(StrEnum):
    """In which order a list stands."""

    BEST = "best"
    """By looks and words together; the newest first where nothing is asked about."""
    NEWEST = "newest"
    LEAST_SURE = "least_sure"
    MOST_ALIKE = "most_alike"
    """By looks alone: the nearest to what is asked about first."""


@dataclass(frozen=True, slots=True)
class PageOfList:
    """Some images of a list.

    Attributes:
        hits: the images.
        before: how many stand before the first of them.
        back: the mark of the page before; empty for the first page, None when there is none.
        after: the mark of the next page; None when there is none.
    """

    hits: Sequence[Hit]
    before: int
    back: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """An image's place in a list.

    Attributes:
        before: how many stand before it.
        previous: the image before it; None for the first.
        following: the image behind it; None for the last.
        mark: of the page that begins with it; empty for the first page.
    """

    before: int
    previous: ImageId | None
    following: ImageId | None
    mark: str


class ImageList(Protocol):
    """Images in an order.

    Attributes:
        total: how many there are.
    """

    @property
    def total(self) -> int:
        """See the class."""
        ...

    def page(self, after: str | None, count: int) -> PageOfList:
        """The `count` images behind a mark; `SearchError` for what is no mark."""
        ...

    def around(self, image_id: ImageId) -> Surroundings | None:
        """Where an image stands; None when it is not in the list."""
        ...

    def first(self, count: int) -> Sequence[ImageId]:
        """The first so many, or all."""
        ...


class QueriedList:
    """Images that meet conditions, in an order of the gallery."""

    def __init__(self, gallery: Gallery, wanted: Wanted, order: Order) -> None:
        self._gallery, self._wanted, self._order = gallery, wanted, order

    @cached_property
    def total(self) -> int:
        """See `ImageList`."""
        return self._gallery.count(self._wanted)

    def page(self, after: str | None, count: int) -> PageOfList:
        """See `ImageList`."""
        hits, following = self._gallery.page(self._wanted, self._order, count, after)
        if after is None:
            return PageOfList(hits, 0, None, following)
        before = self._count_until(after)
        back = self._until(after, count, 1) if before > count else []
        mark = mark_of(back[0]) if back else ""
        return PageOfList(hits, before, mark if before else None, following)

    def around(self, image_id: ImageId) -> Surroundings | None:
        """See `ImageList`."""
        mark = self._mark_of(image_id)
        if mark is None:
            return None
        until = self._until(mark, 0, 2)
        if not until or until[0].image_id != image_id:
            # It does not meet the conditions, or another copy of its photo stands for it.
            return None
        earlier, (behind, _) = until[1:], self._gallery.page(self._wanted, self._order, 1, mark)
        return Surroundings(
            before=self._count_until(mark) - 1,
            previous=earlier[0].image_id if earlier else None,
            following=behind[0].image_id if behind else None,
            mark=mark_of(earlier[0]) if earlier else "",
        )

    def first(self, count: int) -> Sequence[ImageId]:
        """See `ImageList`."""
        hits, _ = self._gallery.page(self._wanted, self._order, count, None)
        return [each.image_id for each in hits]

    def _count_until(self, mark: str) -> int:
        """How many stand at a mark and before it."""
        meeting = self._gallery.meeting(self._wanted)
        later = behind(KEYS[self._order], checked_place(mark), len(meeting.values))
        sql = f"SELECT count(*) {shown_of(meeting, self._wanted)} AND NOT {later.sql}"
        return int(self._gallery.query(sql, meeting, later.values).item())

    def _until(self, mark: str, skipped: int, count: int) -> list[Hit]:
        """Images at a mark and before it, the nearest first, without so many."""
        meeting, key = self._gallery.meeting(self._wanted), KEYS[self._order]
        later = behind(key, checked_place(mark), len(meeting.values))
        sql = f"""SELECT image_id::VARCHAR AS image_id, {key} AS relevance {shown_of(meeting, self._wanted)}
        AND NOT {later.sql} ORDER BY {key}, image_id DESC LIMIT {count:d} OFFSET {skipped:d}"""
        found = self._gallery.query(sql, meeting, later.values).iter_rows()
        return [Hit(ImageId(name), relevance, None) for name, relevance in found]

    def _mark_of(self, image_id: ImageId) -> str | None:
        relevance = self._gallery.relevances([image_id], self._order).get(image_id)
        return None if relevance is None else mark_of(Hit(image_id, relevance, None))


class HeldList:
    """Images of a ranking, best first or in an order of the gallery."""

    def __init__(self, hits: Sequence[Hit]) -> None:
        self._hits = hits
        self._places = [(-each.relevance, each.image_id) for each in hits]

    @property
    def total(self) -> int:
        """See `ImageList`."""
        return len(self._hits)

    def page(self, after: str | None, count: int) -> PageOfList:
        """See `ImageList`."""
        start = 0 if after is None else bisect_right(self._places, place_of(after))
        hits = self._hits[start : start + count]
        back = mark_of(self._hits[start - count - 1]) if start > count else ""
        is_last = start + count >= len(self._hits)
        return PageOfList(hits, start, back if start else None, None if is_last else mark_of(hits[-1]))

    def around(self, image_id: ImageId) -> Surroundings | None:
        """See `ImageList`."""
        place = next((number for number, each in enumerate(self._hits) if each.image_id == image_id), None)
        if place is None:
            return None
        earlier = self._hits[place - 1] if place else None
        following = self._hits[place + 1].image_id if place + 1 < len(self._hits) else None
        return Surroundings(
            place, earlier.image_id if earlier else None, following, mark_of(earlier) if earlier else ""
        )

    def first(self, count: int) -> Sequence[ImageId]:
        """See `ImageList`."""
        return [each.image_id for each in self._hits[:count]]


def ordered_like(gallery: Gallery, hits: Sequence[Hit], order: Order) -> list[Hit]:
    """Hits of a ranking in an order of the gallery."""
    relevances = gallery.relevances([each.image_id for each in hits], order)
    known = [each for each in hits if each.image_id in relevances]
    return in_order(replace(each, relevance=relevances[each.image_id]) for each in known)
