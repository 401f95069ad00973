"""Search: by text, by picture, by an image of the lake, by a vector, or by conditions alone; one room for all."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final, TypeVar

import numpy as np
import polars as pl

from image_assets.errors import ModelError, NoDayError, ObjectChangedError, TableError, UnknownWordsError
from image_assets.ids import ImageId
from image_assets.imaging.inspect import InspectParams
from image_assets.lake import object_keys
from image_assets.lake.optimism import until_first
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription, ImageEncoder
from image_assets.steps.search.followed import Followed, FollowedState
from image_assets.steps.search.gallery import Gallery, Order, Wanted, discard_gallery, is_copyable
from image_assets.steps.search.gallery_facets import BUDGET_S, Facet, Listed, count_facets
from image_assets.steps.search.image_lists import (
    MOST_FOUND,
    HeldList,
    ImageList,
    QueriedList,
    Sort,
    Surroundings,
    ordered_like,
)
from image_assets.steps.search.map_points import MapPoints
from image_assets.steps.search.ranking import Hit, cut_page, in_order
from image_assets.steps.search.requests import LOWEST_SCORE, BrowsedPage, ListedPage, SearchPage, SearchRequest
from image_assets.steps.search.searched_lake import SearchedLake
from image_assets.steps.search.understanding import Understanding
from image_assets.steps.vectors.index_source import IndexSource

_FIRST_DAY_WITHIN_S: Final = 1.0
_QUIET_S: Final = 5.0
_T = TypeVar("_T")


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
        self._understanding, self._source = Understanding(encoder, limits), source
        self._followed = Followed(self._look, patience_s, _QUIET_S)

    def search(self, request: SearchRequest) -> SearchPage:
        """A page of images.

        Raises:
            SearchError: the request makes no sense, names what there is not, or the index does not fit the encoder.
            ImageError: the picture to search with cannot be used.
            TableError: nothing was ever committed.
        """
        request.check()
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
        request.check()

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
                unknown=self._understanding.unknown(request.text or ""),
                nearest_to=self._understanding.known(request.text),
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
        request.check()

        def looked(lake: SearchedLake) -> tuple[Surroundings | None, int]:
            listed = self._list(lake, request, sort)
            return listed.around(image_id), listed.total

        return self._on_lake(looked)

    def first(self, request: SearchRequest, sort: Sort, count: int) -> tuple[Sequence[ImageId], int]:
        """The first so many images of the list that `browse` shows, and how long that is."""
        request.check()

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
        unknown, known = self._understanding.unknown(request.text or ""), self._understanding.known(request.text)
        if request.strict and unknown:
            raise UnknownWordsError(self._encoder.description.name, unknown, known or "")
        hits, after = cut_page(self._understanding.ranking(lake, request), request.count, request.after)
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
        asked = replace(request, min_score=LOWEST_SCORE, with_words=request.with_words and sort is not Sort.MOST_ALIKE)
        vector = None if request.vector is None else np.asarray(request.vector).tobytes()
        key = (asked.text, asked.image, asked.image_id, vector, asked.with_words, asked.wanted)
        return lake.remember(key, lambda: in_order(self._understanding.ranking(lake, asked).first(MOST_FOUND)))


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
