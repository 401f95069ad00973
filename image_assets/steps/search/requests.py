"""What a search is asked, and the pages that it answers with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy.typing as npt
import polars as pl

from image_assets.errors import SearchError
from image_assets.ids import ImageId
from image_assets.steps.search.conditions import Condition
from image_assets.steps.search.gallery import Order, Wanted
from image_assets.steps.search.gallery_facets import Facet
from image_assets.steps.search.image_lists import PageOfList

LOWEST_SCORE: Final = -1.0


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What is looked for: like a text, a picture, an image of the lake or a vector; without any of them, the newest.

    Attributes:
        text: what the images should show.
        image: a file that they should look like.
        image_id: an image that they should look like, or the beginning of its id; it is not found itself.
        vector: numbers of the encoder that they should be near to, of any length but zero.
        conditions: on columns of gold; all must be met.
        min_score: lowest cosine similarity, -1 to 1.
        count: images per page, at least 1.
        after: `SearchPage.after` of the page before.
        with_duplicates: find every copy of an image, not one.
        with_words: let words that describe an image count beside what it looks like.
        owner: whose images alone there are, to the letter; None for everybody's.
        within: the only images that there are; None for all.
        order: of images that nothing was asked about.
        columns: of gold that are wanted; None for all. Those of `COPYABLE` are at hand.
        strict: refuse a text with a word that the encoder does not know.
    """

    text: str | None = None
    image: bytes | None = None
    image_id: ImageId | None = None
    vector: npt.ArrayLike | None = None
    conditions: tuple[Condition, ...] = ()
    min_score: float = LOWEST_SCORE
    count: int = 20
    after: str | None = None
    with_duplicates: bool = False
    with_words: bool = True
    owner: str | None = None
    within: tuple[ImageId, ...] | None = None
    order: Order = Order.NEWEST
    columns: tuple[str, ...] | None = None
    strict: bool = False

    @property
    def wanted(self) -> Wanted:
        """Which images may be found."""
        return Wanted(self.conditions, self.with_duplicates, self.owner, self.within)

    @property
    def likes(self) -> Sequence[object]:
        """What the images should be like; one thing at most makes sense."""
        return [each for each in (self.text, self.image, self.image_id, self.vector) if each is not None]

    def check(self) -> None:
        """Raises `SearchError` when it makes no sense."""
        if len(self.likes) > 1:
            raise SearchError("a text, a picture, an image or a vector to be like: one of them, not several")
        if self.text is not None and not self.text.strip():
            raise SearchError("the text is empty: say what the images should show, or leave the text out")
        if self.count < 1:
            raise SearchError(f"{self.count} images make no page: ask for at least 1")


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Images, best first: by looks, or by looks and words together once words of the text describe any image.

    Attributes:
        rows: `score` (of looks: cosine similarity), `words` (of the text, by which the image is described), columns of
            gold.
        after: asks for the next page; None on the last.
        unknown: words of the text that the encoder does not know, to which looks cannot answer.
        nearest_to: the rest of the text, by which looks were compared; None: they were compared with no text.
        index_version: build of the index that was searched; None when there is none, or nothing to be like.
    """

    rows: pl.DataFrame
    after: str | None
    unknown: tuple[str, ...] = ()
    nearest_to: str | None = None
    index_version: str | None = None


@dataclass(frozen=True, slots=True)
class ListedPage:
    """Images that nothing was asked about, in an order.

    Attributes:
        rows: the columns that were asked for.
        after: asks for the next page; None on the last.
        total: how many there are on all pages.
        facets: by column; see `count_facets`.
    """

    rows: pl.DataFrame
    after: str | None
    total: int
    facets: Mapping[str, Facet | None]


@dataclass(frozen=True, slots=True)
class BrowsedPage:
    """A page of a list in which people turn pages back and forth, all of one moment.

    Attributes:
        rows: as of `SearchPage`.
        page: where it stands.
        total: images of the list: of a question those of `min_score` and more.
        met: images that meet the conditions.
        scores: of all that were ranked, however low, best first; empty when nothing was asked about.
        is_cut: whether more images meet the conditions than were ranked.
        unknown: as of `SearchPage`.
        nearest_to: likewise.
    """

    rows: pl.DataFrame
    page: PageOfList
    total: int
    met: int
    scores: Sequence[float] = ()
    is_cut: bool = False
    unknown: tuple[str, ...] = ()
    nearest_to: str | None = None
