"""Search: by text, by picture, by an image of the lake, or by conditions alone; one room for all who ask."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl

from image_assets.errors import SearchError
from image_assets.ids import ImageId
from image_assets.imaging.decode import decode_within
from image_assets.imaging.inspect import InspectParams, inspect_image
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoder import ImageEncoder
from image_assets.search.exact_search import Vectors
from image_assets.search.usearch_index import UsearchParams
from image_assets.steps.search.conditions import Condition
from image_assets.steps.search.gold_rows import GoldRows
from image_assets.steps.search.ranking import (
    Rank,
    Ranked,
    by_likeness,
    by_likeness_and_words,
    cut_page,
    newest_first,
)
from image_assets.steps.search.searched_lake import SearchedLake
from image_assets.steps.search.words import match_words
from image_assets.tables.images import SILVER_MAX_SIDE_PX

_LOWEST_SCORE = -1.0


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What is looked for: like a text, a picture or an image of the lake; without any of them, the newest.

    Attributes:
        text: what the images should show.
        image: a file that they should look like.
        image_id: an image that they should look like, or the beginning of its id; it is not found itself.
        conditions: on columns of gold; all must be met.
        min_score: lowest cosine similarity, -1 to 1.
        count: images per page, at least 1.
        after: `SearchPage.after` of the page before.
        with_duplicates: find every copy of an image, not one.
        with_words: let words that describe an image count beside what it looks like.
    """

    text: str | None = None
    image: bytes | None = None
    image_id: ImageId | None = None
    conditions: tuple[Condition, ...] = ()
    min_score: float = _LOWEST_SCORE
    count: int = 20
    after: str | None = None
    with_duplicates: bool = False
    with_words: bool = True


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Images, best first: by looks, or by looks and words together once words of the text describe any image.

    Attributes:
        rows: `score` (of looks: cosine similarity), `words` (of the text, by which the image is described), columns of
            gold.
        after: asks for the next page; None on the last.
        unknown: words of the text that the encoder does not know, to which looks cannot answer.
    """

    rows: pl.DataFrame
    after: str | None
    unknown: tuple[str, ...] = ()


class ImageSearch:
    """Searches a lake; what it opened it keeps until the lake changes, so one of them serves many requests."""

    def __init__(
        self,
        tables: ParquetTables,
        encoder: ImageEncoder,
        *,
        limits: InspectParams,
        params: UsearchParams,
    ) -> None:
        self._tables, self._encoder = tables, encoder
        self._limits, self._params = limits, params
        self._lake: SearchedLake | None = None

    def search(self, request: SearchRequest) -> SearchPage:
        """A page of images.

        Raises:
            SearchError: the request makes no sense, names what there is not, or the index does not fit the encoder.
            ImageError: the picture to search with cannot be used.
            TableError: nothing was ever committed.
        """
        _check(request)
        lake = self._current_lake()
        if (request.text, request.image, request.image_id) == (None, None, None):
            images = lake.gold.find(request.conditions, with_duplicates=request.with_duplicates)
            rank = newest_first(images)
        else:
            images, rank = lake.pool.images, self._likeness(lake, request)
        ranked, after = cut_page(rank, request.count, request.after)
        return SearchPage(_rows(lake.gold, ranked, images), after, self._unknown(request.text or ""))

    def _unknown(self, text: str) -> tuple[str, ...]:
        words = dict.fromkeys(re.findall(r"\w+", text))
        return tuple(word for word in words if not self._encoder.knows(word))

    def _current_lake(self) -> SearchedLake:
        now = SearchedLake(self._tables, self._encoder.description, self._params)
        lake = self._lake
        if lake is None or lake.version != now.version:
            self._lake = lake = now
        return lake

    def _likeness(self, lake: SearchedLake, request: SearchRequest) -> Rank:
        image_id = None if request.image_id is None else lake.pool.find_id(request.image_id)
        among, without = _selection(lake, request, image_id)
        query = self._encoded(request) if image_id is None else lake.pool.vector_of(image_id)
        nearest = partial(lake.pool.nearest, query, among=among, without=without)
        if request.text and request.with_words:
            matches = match_words(lake.words(request.conditions, among, without), request.text)
            if matches.height:
                return by_likeness_and_words(nearest, matches, request.min_score)
        return by_likeness(nearest, request.min_score)

    def _encoded(self, request: SearchRequest) -> Vectors:
        if request.image is None:
            return self._encoder.encode_texts([request.text or ""])
        inspect_image(request.image, self._limits)
        return self._encoder.encode_images([decode_within(request.image, SILVER_MAX_SIDE_PX)])


def _selection(
    lake: SearchedLake, request: SearchRequest, image_id: ImageId | None
) -> tuple[pl.Series | None, pl.Series]:
    """Ids that alone may be found, if there are conditions, and ids that may not be found."""
    among, without = None, lake.hidden(with_duplicates=request.with_duplicates)
    if request.conditions:
        found = lake.gold.find(request.conditions, with_duplicates=request.with_duplicates)
        among, without = found.get_column("image_id"), without.clear()
    if image_id is not None:
        own = pl.Series([image_id]) if request.with_duplicates else lake.gold.copies_of(image_id)
        without = pl.concat([without, own])
    return among, without


def _check(request: SearchRequest) -> None:
    asked = [each for each in (request.text, request.image, request.image_id) if each is not None]
    if len(asked) > 1:
        raise SearchError("a text, a picture or an image to be like: one of them, not several")
    if request.text is not None and not request.text.strip():
        raise SearchError("the text is empty: say what the images should show, or leave the text out")
    if request.count < 1:
        raise SearchError(f"{request.count} images make no page: ask for at least 1")


def _rows(gold: GoldRows, ranked: Sequence[Ranked], images: pl.DataFrame) -> pl.DataFrame:
    """Rows of gold in the order of the ranking."""
    scores = pl.DataFrame(
        [(each.image_id, each.score, list(each.words)) for each in ranked],
        schema={"image_id": pl.String, "score": pl.Float64, "words": pl.List(pl.String)},
        orient="row",
    )
    ids = scores.get_column("image_id")
    days = images.filter(pl.col("image_id").is_in(ids.implode())).get_column("day").unique()
    found = gold.select(gold.columns, days=days.to_list(), ids=ids)
    return scores.join(found, on="image_id", how="left", maintain_order="left").select("score", "words", *gold.columns)
