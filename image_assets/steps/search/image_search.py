"""Search: by text, by picture, by an image of the lake, by a vector, or by conditions alone; one room for all."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from image_assets.errors import ModelError, NoDayError, ObjectChangedError, SearchError, TableError, UnknownWordsError
from image_assets.ids import ImageId
from image_assets.imaging.decode import decode_within
from image_assets.imaging.inspect import InspectParams, inspect_image
from image_assets.lake import object_keys
from image_assets.lake.optimism import until_first
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription, ImageEncoder
from image_assets.search.vector_index import Vectors
from image_assets.steps.search.conditions import Condition
from image_assets.steps.search.followed import Followed, FollowedState
from image_assets.steps.search.gallery import Gallery, Order, Wanted, discard_gallery, is_copyable
from image_assets.steps.search.gallery_facets import BUDGET_S, Facet, Listed, count_facets
from image_assets.steps.search.image_lists import (
    MOST_FOUND,
    HeldList,
    ImageList,
    PageOfList,
    QueriedList,
    Sort,
    Surroundings,
    ordered_like,
)
from image_assets.steps.search.map_points import MapPoints
from image_assets.steps.search.ranking import ByLikeness, ByLikenessAndWords, ByWords, Hit, Ranking, cut_page, in_order
from image_assets.steps.search.searched_lake import SearchedLake
from image_assets.steps.search.vector_pool import Mask, Question
from image_assets.steps.vectors.index_source import IndexSource
from image_assets.tables.images import SILVER_MAX_SIDE_PX

_LOWEST_SCORE = -1.0
_FIRST_DAY_WITHIN_S: Final = 1.0
_QUIET_S: Final = 5.0
_T = TypeVar("_T")


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
    min_score: float = _LOWEST_SCORE
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


class ImageSearch:
    """Searches a lake; what it opened it keeps until the lake changes, so one of them serves many requests.

    Args:
        tables: the lake's tables.
        encoder: makes vectors of what is asked for.
        limits: what a picture to search with may be.
        source: of the index.
        patience_s: so old may be what it knows of the lake; while it looks anew it answers with what it knows. 0: each
            answer waits for what the lake is at that moment.
    """

    def __init__(
        self,
        tables: ParquetTables,
        encoder: ImageEncoder,
        *,
        limits: InspectParams,
        source: IndexSource,
        patience_s: float = 0,
    ) -> None:
        self._tables, self._encoder = tables, encoder
        self._limits, self._source = limits, source
        self._followed = Followed(self._look, patience_s, _QUIET_S)

    def search(self, request: SearchRequest) -> SearchPage:
        """A page of images.

        Raises:
            SearchError: the request makes no sense, names what there is not, or the index does not fit the encoder.
            ImageError: the picture to search with cannot be used.
            TableError: nothing was ever committed.
        """
        _check(request)
        return self._on_lake(lambda lake: self._search(lake, request))

    def list_images(
        self,
        wanted: Wanted,
        order: Order,
        count: int,
        after: str | None,
        columns: Sequence[str],
        facets: Sequence[str] = (),
    ) -> ListedPage:
        """A page of images with their number and facets, all of one moment; an empty one before any day was run."""

        def listed(lake: SearchedLake) -> ListedPage:
            gallery = lake.gallery
            hits, mark = gallery.page(wanted, order, count, after)
            rows = _rows(gallery, hits, columns)
            return ListedPage(rows, mark, gallery.count(wanted), count_facets(gallery, wanted, facets))

        try:
            return self._on_lake(listed)
        except NoDayError:
            return ListedPage(pl.DataFrame(), None, 0, dict.fromkeys(facets, Facet((), 0)))

    def browse(self, request: SearchRequest, sort: Sort) -> BrowsedPage:
        """A page of a list that can be turned back and forth; raises as `search` does.

        What is asked about is ranked as far as `MOST_FOUND` images; `min_score` cuts the list, in whatever order.
        """
        _check(request)

        def browsed(lake: SearchedLake) -> BrowsedPage:
            ranked, listed = self._ranked(lake, request, sort), self._list(lake, request, sort)
            page = listed.page(request.after, request.count)
            met = lake.gallery.count(request.wanted)
            return BrowsedPage(
                rows=_rows(lake.gallery, page.hits, request.columns),
                page=page,
                total=listed.total,
                met=met,
                scores=sorted((each.score for each in ranked if each.score is not None), reverse=True),
                is_cut=bool(request.likes) and MOST_FOUND // 2 <= len(ranked) < met,
                unknown=self._unknown(request.text or ""),
                nearest_to=self._known(request.text),
            )

        return self._on_lake(browsed)

    def count_facets(
        self,
        wanted: Wanted,
        columns: Sequence[str],
        budget_s: float = BUDGET_S,
        listed: Listed = Listed(),  # noqa: B008 - frozen
    ) -> Mapping[str, Facet | None]:
        """See `count_facets`."""
        return self._on_lake(lambda lake: count_facets(lake.gallery, wanted, columns, budget_s, listed))

    def count(self, wanted: Wanted) -> int:
        """How many images there are."""
        return self._on_lake(lambda lake: lake.gallery.count(wanted))

    def around(self, request: SearchRequest, sort: Sort, image_id: ImageId) -> tuple[Surroundings | None, int]:
        """Where an image stands in the list that `browse` shows, and how long that is."""
        _check(request)

        def looked(lake: SearchedLake) -> tuple[Surroundings | None, int]:
            listed = self._list(lake, request, sort)
            return listed.around(image_id), listed.total

        return self._on_lake(looked)

    def first(self, request: SearchRequest, sort: Sort, count: int) -> tuple[Sequence[ImageId], int]:
        """The first so many images of the list that `browse` shows, and how long that is."""
        _check(request)

        def looked(lake: SearchedLake) -> tuple[Sequence[ImageId], int]:
            listed = self._list(lake, request, sort)
            return listed.first(count), listed.total

        return self._on_lake(looked)

    def rows(self, ids: Sequence[ImageId], owner: str | None, columns: Sequence[str]) -> pl.DataFrame:
        """Columns of `COPYABLE` of images that may be shown, the owner's alone if there is one, in the order of ids."""

        def looked(lake: SearchedLake) -> pl.DataFrame:
            rows = lake.gallery.rows(ids, list(dict.fromkeys(["user_id", "state", *columns])))
            is_own = pl.lit(value=True) if owner is None else pl.col("user_id") == owner
            return rows.filter(is_own & (pl.col("state") != "blocked")).sort("image_id")

        return self._on_lake(looked)

    def copies_of(self, image_id: ImageId) -> Sequence[ImageId]:
        """An image and all others of the same photo."""
        return self._on_lake(lambda lake: [ImageId(each) for each in lake.gallery.copies_of(image_id)])

    def is_blocked(self, image_id: ImageId, *, within_s: float) -> bool:
        """Whether an image may not be shown, by a look so old at most; nothing is before any day was run."""
        try:
            return self._on_lake(lambda lake: image_id in lake.gallery.blocked, within_s=within_s)
        except NoDayError:
            return False

    def days_of(self, image_id: ImageId) -> list[date]:
        """Days on which an image may be: its own, or those that have changed since the gallery was made."""
        return self._on_lake(lambda lake: lake.gallery.days_of(image_id))

    def map_points(self) -> MapPoints:
        """The map of the index, with what gold says of its images; one without points before there is any.

        Raises:
            NoDayError: no day was run.
        """
        return self._on_lake(lambda lake: lake.map_points)

    @property
    def state(self) -> FollowedState:
        """Whether what it knows of the lake is loading, ok or failed; see `Followed`."""
        return self._followed.state

    @property
    def age_s(self) -> float:
        """Seconds since somebody looked whether the lake has changed."""
        return self._followed.age_s

    @property
    def look_s(self) -> float:
        """How long the last look took, with what was made anew for it."""
        return self._followed.look_s

    def begin(self) -> None:
        """Have somebody open what searches need, before they come."""
        self._followed.begin()

    def renew(self) -> None:
        """Show nobody what the lake was before this moment."""
        self._followed.renew()

    def _on_lake(self, ask: Callable[[SearchedLake], _T], *, within_s: float = math.inf) -> _T:
        """Ask again when the lake has changed meanwhile, or its gallery is found to be damaged and was discarded."""
        try:
            return ask(self._followed.current(within_s=within_s))
        except ObjectChangedError:
            return until_first(lambda: ask(self._followed.current(anew=True)))
        except NoDayError:
            # Whoever has just run the first day is not told that there is none; of an empty lake a look costs nothing.
            return ask(self._followed.current(within_s=_FIRST_DAY_WITHIN_S))
        except TableError as error:
            if error.key != object_keys.GALLERY:
                raise
            discard_gallery(self._tables)
            self._followed.forget()
            return ask(self._followed.current(anew=True))

    def _look(self, former: SearchedLake | None) -> SearchedLake:
        now = SearchedLake(self._tables, self._described(), self._source, former)
        if former and former.version == now.version:
            return former
        now.prepare_like(former)
        return now

    def _described(self) -> EncoderDescription | ModelError:
        try:
            return self._encoder.description
        except ModelError as error:
            return error

    def _search(self, lake: SearchedLake, request: SearchRequest) -> SearchPage:
        if not request.likes:
            hits, after = lake.gallery.page(request.wanted, request.order, request.count, request.after)
            return SearchPage(_rows(lake.gallery, hits, request.columns), after)
        unknown, known = self._unknown(request.text or ""), self._known(request.text)
        if request.strict and unknown:
            raise UnknownWordsError(self._encoder.description.name, unknown, known or "")
        hits, after = cut_page(self._ranking(lake, request), request.count, request.after)
        rows = _rows(lake.gallery, hits, request.columns)
        return SearchPage(rows, after, unknown, known, lake.index_version)

    def _list(self, lake: SearchedLake, request: SearchRequest, sort: Sort) -> ImageList:
        order = Order.LEAST_SURE if sort is Sort.LEAST_SURE else Order.NEWEST
        if not request.likes:
            return QueriedList(lake.gallery, request.wanted, order)
        ranked = self._ranked(lake, request, sort)
        hits = [each for each in ranked if each.score is None or each.score >= request.min_score]
        if sort in {Sort.NEWEST, Sort.LEAST_SURE}:
            hits = ordered_like(lake.gallery, hits, order)
        return HeldList(hits)

    def _ranked(self, lake: SearchedLake, request: SearchRequest, sort: Sort) -> Sequence[Hit]:
        """What is asked about, best first, as far down as anybody looks; kept while people turn pages."""
        if not request.likes:
            return ()
        asked = replace(request, min_score=_LOWEST_SCORE, with_words=request.with_words and sort is not Sort.MOST_ALIKE)
        vector = None if request.vector is None else np.asarray(request.vector).tobytes()
        key = (asked.text, asked.image, asked.image_id, vector, asked.with_words, asked.wanted)
        return lake.remember(key, lambda: in_order(self._ranking(lake, asked).first(MOST_FOUND)))

    def _unknown(self, text: str) -> tuple[str, ...]:
        words = dict.fromkeys(re.findall(r"\w+", text))
        return tuple(word for word in words if not self._encoder.knows(word))

    def _known(self, text: str | None) -> str | None:
        """What of a text looks are compared with: all of it, or the words that the encoder knows; None for none."""
        unknown = self._unknown(text or "")
        if not text or not unknown:
            return text
        return " ".join(word for word in re.findall(r"\w+", text) if word not in unknown) or None

    def _ranking(self, lake: SearchedLake, request: SearchRequest) -> Ranking:
        image_id = None if request.image_id is None else _find_id(lake, request)
        found = lake.found(request.wanted)
        if image_id is not None:
            found = found & ~_own(lake, request, image_id)
        known = self._known(request.text)
        if request.text and known is None:
            # A vector of words that mean nothing to it is near to the same images whatever they are.
            words = request.text if request.with_words else ""
            return ByWords(lake.pool.images.get_column("image_id"), lake.match_words(words, found))
        query = self._encoded(request, known) if image_id is None else lake.pool.vector_of(image_id)
        question = Question(lake.pool, query, found)
        if request.text and request.with_words:
            matches = lake.match_words(request.text, found)
            if not matches.is_empty:
                return ByLikenessAndWords(question, matches, request.min_score)
        return ByLikeness(question, request.min_score)

    def _encoded(self, request: SearchRequest, text: str | None) -> Vectors:
        if request.vector is not None:
            return _unit_vector(request.vector, self._encoder.description)
        if request.image is None:
            return self._encoder.encode_texts([text or ""])
        inspect_image(request.image, self._limits)
        return self._encoder.encode_images([decode_within(request.image, SILVER_MAX_SIDE_PX)])


def _find_id(lake: SearchedLake, request: SearchRequest) -> ImageId:
    """The image that a request names; of other users' images an owner does not even learn that there are any."""
    if request.owner is None:
        return lake.pool.find_id(request.image_id or "")
    own = lake.gallery.find(Wanted(owner=request.owner, with_duplicates=True))
    return lake.pool.find_id(request.image_id or "", own.get_column("image_id"))


def _own(lake: SearchedLake, request: SearchRequest, image_id: ImageId) -> Mask:
    """The places of an image that is searched with and, where copies are left out, of its copies."""
    own = pl.Series([image_id]) if request.with_duplicates else lake.gallery.copies_of(image_id)
    return lake.pool.images.get_column("image_id").is_in([image_id, *own]).to_numpy()


def _check(request: SearchRequest) -> None:
    if len(request.likes) > 1:
        raise SearchError("a text, a picture, an image or a vector to be like: one of them, not several")
    if request.text is not None and not request.text.strip():
        raise SearchError("the text is empty: say what the images should show, or leave the text out")
    if request.count < 1:
        raise SearchError(f"{request.count} images make no page: ask for at least 1")


def _unit_vector(numbers: npt.ArrayLike, encoder: EncoderDescription) -> Vectors:
    """The numbers as one unit vector, 1 x dimension."""
    try:
        given = np.asarray(numbers)
        vector = given.astype(np.float64, casting="same_kind") if given.dtype.kind in "fiu" else None
    except (ValueError, TypeError) as error:
        raise SearchError(f"a vector is a list of numbers: {error}") from error
    if vector is None:
        raise SearchError(f"a vector is a list of numbers, not of {given.dtype}")
    if vector.shape != (encoder.dimension,):
        raise SearchError(f"{encoder.name} makes vectors of {encoder.dimension} numbers, not of shape {vector.shape}")
    largest = np.abs(vector).max()
    if not np.isfinite(largest) or not largest:
        raise SearchError("a vector to be like must have a length: finite numbers, not all of them 0")
    # Its largest number is made 1 first: squares of very large or small ones have no length.
    vector = vector / largest
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)[None]


def _rows(gallery: Gallery, hits: Sequence[Hit], columns: Sequence[str] | None) -> pl.DataFrame:
    """Rows of gold in the order of the ranking."""
    scores = pl.DataFrame(
        [(each.image_id, each.score, list(each.words)) for each in hits],
        schema={"image_id": pl.String, "score": pl.Float64, "words": pl.List(pl.String)},
        orient="row",
    )
    names = gallery.gold.columns if columns is None else columns
    if is_copyable(names):
        found = gallery.rows([each.image_id for each in hits], names)
    else:
        days = gallery.rows([each.image_id for each in hits], ["day"]).get_column("day").unique()
        wanted = ["image_id", *(name for name in names if name != "image_id")]
        found = gallery.gold.select(wanted, days=days.to_list(), ids=scores.get_column("image_id"))
    return scores.join(found, on="image_id", how="left", maintain_order="left").select("score", "words", *names)
