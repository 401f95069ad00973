"""An encoder that any thread may use: the model's thread computes, together with what others ask for."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from image_assets.imaging.pixels import RgbImage
from image_assets.models.encoders.encoder import (
    Embedding,
    Embeddings,
    EncoderDescription,
    EncoderLoad,
    ImageEncoder,
    PreparedImage,
)
from image_assets.serving.inference.batcher import LARGEST_BATCH, Batcher, Item, Result, Work
from image_assets.serving.inference.places import Places
from image_assets.serving.inference.served_model import ServedModel

_WORDS_KEPT: Final = 4096


class SharedEncoder:
    """An `ImageEncoder` whose every call goes through the model's thread; that thread itself must not use it.

    Anything but `description` and `load` raises what loading raises, and `ServiceBusyError`.
    """

    def __init__(self, model: ServedModel, batcher: Batcher, places: Places) -> None:
        self._model, self._batcher, self._places = model, batcher, places
        # A search asks of each of its words, and each would wait for a batch.
        self._knows = lru_cache(_WORDS_KEPT)(lambda word: self._call(lambda encoder: encoder.knows(word)))

    @property
    def description(self) -> EncoderDescription:
        """See `ImageEncoder`."""
        return self._model.encoder.description

    @property
    def load(self) -> EncoderLoad | None:
        """See `ImageEncoder`."""
        return self._model.encoder.load

    @property
    def logit_scale(self) -> float:
        """See `ImageEncoder`."""
        return self._call(lambda encoder: encoder.logit_scale)

    def knows(self, text: str) -> bool:
        """See `ImageEncoder`."""
        return self._knows(text)

    def encode_images(self, images: Sequence[RgbImage]) -> Embeddings:
        """See `ImageEncoder`."""
        return self._stacked(self._compute(self._model.encoder.encode_images, images))

    def prepare_image(self, image: RgbImage) -> PreparedImage:
        """See `ImageEncoder`."""
        return self._call(lambda encoder: encoder.prepare_image(image))

    def encode_prepared(self, images: Iterable[PreparedImage]) -> Iterator[Embedding]:
        """See `ImageEncoder`."""
        yield from self._call(lambda encoder: list(encoder.encode_prepared(images)))

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """See `ImageEncoder`."""
        return self._stacked(self._compute(self._model.encoder.encode_texts, texts))

    def _call(self, question: Callable[[ImageEncoder], Result]) -> Result:
        (answer,) = self._compute(self._answer_all, [question])
        return answer

    def _answer_all(self, questions: Sequence[Callable[[ImageEncoder], Result]]) -> list[Result]:
        return [question(self._model.encoder) for question in questions]

    def _compute(self, work: Work[Item, Result], items: Sequence[Item]) -> list[Result]:
        """A batch at a time: a thread may bring more than there is room for at once."""
        results: list[Result] = []
        for start in range(0, len(items), LARGEST_BATCH):
            some = items[start : start + LARGEST_BATCH]
            with self._places.take(len(some)):
                results += [answer.result() for answer in self._batcher.submit(work, some)]
        return results

    def _stacked(self, rows: list[Embedding]) -> Embeddings:
        return np.stack(rows) if rows else np.zeros((0, self.description.dimension), np.float32)
