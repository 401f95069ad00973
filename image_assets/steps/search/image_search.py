"""Search: by text, by picture, by an image of the lake, by a vector, or by conditions alone; one room for all."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from image_assets.errors import SearchError
from image_assets.ids import ImageId
from image_assets.imaging.decode import decode_within
from image_assets.imaging.inspect import InspectParams, inspect_image
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription, ImageEncoder
from image_assets.search.usearch_index import UsearchParams
from image_assets.search.vector_index import Vectors
from image_assets.steps.search.conditions import Condition
from image_assets.steps.search.gold_rows import GoldRows
from image_assets.steps.search.ranking import ByLikeness, ByLikenessAndWords, Hit, NewestFirst, Ranking, cut_page
from image_assets.steps.search.searched_lake import SearchedLake
from image_assets.steps.search.vector_pool import Question
from image_assets.steps.search.words import match_words
from image_assets.tables.images import SILVER_MAX_SIDE_PX

_LOWEST_SCORE = -1.0


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
        ranking: Ranking
        if request.likes:
            images, ranking = lake.pool.images, self._ranking(lake, request)
        else:
            images = lake.gold.find(request.conditions, with_duplicates=request.with_duplicates)
            ranking = NewestFirst(images)
        hits, after = cut_page(ranking, request.count, request.after)
        return SearchPage(_rows(lake.gold, hits, images), after, self._unknown(request.text or ""))

    def _unknown(self, text: str) -> tuple[str, ...]:
        words = dict.fromkeys(re.findall(r"\w+", text))
        return tuple(word for word in words if not self._encoder.knows(word))

    def _current_lake(self) -> SearchedLake:
        now = SearchedLake(self._tables, self._encoder.description, self._params)
        lake = self._lake
        if lake is None or lake.version != now.version:
            self._lake = lake = now
        return lake

    def _ranking(self, lake: SearchedLake, request: SearchRequest) -> Ranking:
        image_id = None if request.image_id is None else lake.pool.find_id(request.image_id)
        among, without = _selection(lake, request, image_id)
        query = self._encoded(request) if image_id is None else lake.pool.vector_of(image_id)
        question = Question(lake.pool, query, among, without)
        if request.text and request.with_words:
            matches = match_words(lake.words(request.conditions, among, without), request.text)
            if matches.height:
                return ByLikenessAndWords(question, matches, request.min_score)
        return ByLikeness(question, request.min_score)

    def _encoded(self, request: SearchRequest) -> Vectors:
        if request.vector is not None:
            return _unit_vector(request.vector, self._encoder.description)
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


def _rows(gold: GoldRows, hits: Sequence[Hit], images: pl.DataFrame) -> pl.DataFrame:
    """Rows of gold in the order of the ranking."""
    scores = pl.DataFrame(
        [(each.image_id, each.score, list(each.words)) for each in hits],
        schema={"image_id": pl.String, "score": pl.Float64, "words": pl.List(pl.String)},
        orient="row",
    )
    ids = scores.get_column("image_id")
    days = images.filter(pl.col("image_id").is_in(ids.implode())).get_column("day").unique()
    found = gold.select(gold.columns, days=days.to_list(), ids=ids)
    return scores.join(found, on="image_id", how="left", maintain_order="left").select("score", "words", *gold.columns)
