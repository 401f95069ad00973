"""What a request means to the encoder: the words that it knows, the vector to be like, and so the ranking."""

import re

import numpy as np
import numpy.typing as npt
import polars as pl

from image_assets.errors import SearchError
from image_assets.ids import ImageId
from image_assets.imaging.decode import decode_within
from image_assets.imaging.inspect import InspectParams, inspect_image
from image_assets.models.encoders.encoder import EncoderDescription, ImageEncoder
from image_assets.search.vector_index import Vectors
from image_assets.steps.search.gallery import Wanted
from image_assets.steps.search.ranking import ByLikeness, ByLikenessAndWords, ByWords, Ranking
from image_assets.steps.search.requests import SearchRequest
from image_assets.steps.search.searched_lake import SearchedLake
from image_assets.steps.search.vector_pool import Mask, Question
from image_assets.tables.images import SILVER_MAX_SIDE_PX


class Understanding:
    """Makes rankings of requests, with an encoder; a picture to search with is kept within limits."""

    def __init__(self, encoder: ImageEncoder, limits: InspectParams) -> None:
        self._encoder, self._limits = encoder, limits

    def unknown(self, text: str) -> tuple[str, ...]:
        """Words of a text that the encoder does not know; where it has none, its signs."""
        words = re.findall(r"\w+", text) or text.split()
        return tuple(word for word in dict.fromkeys(words) if not self._encoder.knows(word))

    def known(self, text: str | None) -> str | None:
        """What of a text looks are compared with: all of it, or the words that the encoder knows; None for none."""
        unknown = self.unknown(text or "")
        if not text or not unknown:
            return text
        return " ".join(word for word in re.findall(r"\w+", text) if word not in unknown) or None

    def ranking(self, lake: SearchedLake, request: SearchRequest) -> Ranking:
        """Images by how well they fit a request that is like something."""
        image_id = None if request.image_id is None else _find_id(lake, request)
        found = lake.found(request.wanted)
        if image_id is not None:
            found = found & ~_own(lake, request, image_id)
        known = self.known(request.text)
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
