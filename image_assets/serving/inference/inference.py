"""What a service computes with models, for routes: pictures and texts to vectors, pictures and images to labels."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Final, TypeAlias, TypeVar, cast

import numpy as np
import numpy.typing as npt
from starlette.concurrency import run_in_threadpool

from image_assets.compute.engine import EngineParams
from image_assets.errors import (
    AmbiguousImageError,
    ImageAssetsError,
    ImageError,
    PoisonedItemError,
    TableError,
    UnknownImageError,
)
from image_assets.ids import ImageId
from image_assets.imaging.inspect import InspectParams
from image_assets.imaging.pixels import RgbImage
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.classifiers.classifier import ClassifierInput, Reads
from image_assets.models.encoders.encoder import Embedding, Embeddings, EncoderDescription, ImageEncoder
from image_assets.serving.image_names import is_name
from image_assets.serving.inference.batcher import LARGEST_BATCH, Batcher, BatcherState, Work
from image_assets.serving.inference.decoder import Decoder, decode
from image_assets.serving.inference.places import Places
from image_assets.serving.inference.predicting_model import PredictingModel, Predictor
from image_assets.serving.inference.served_model import ModelPhase, ServedModel
from image_assets.serving.inference.shared_encoder import SharedEncoder
from image_assets.settings import Settings
from image_assets.steps.classification.predictions import say
from image_assets.steps.classification.stored_input import stored_input
from image_assets.steps.images.short_ids import whole_id
from image_assets.steps.questions.image_location import Location
from image_assets.tables.images import SILVER_MAX_SIDE_PX

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_ITEMS: Final = 4 * LARGEST_BATCH
"""Items on their way at once: four batches; who comes later would wait for longer than it takes to ask again."""

SHARE_ITEMS: Final = MOST_ITEMS // 2
"""Of one caller, as many as one request may have: whoever asks for more at once keeps nobody else out."""

_PATIENCE_S: Final = 5.0
_SHOWN_CHARS: Final = 40

Prediction: TypeAlias = dict[str, object]
"""`label`, `confidence_ratio`, `top_labels`, `needs_review`, `model_version`: the columns of the predictions."""

ITS_OWN_FAULT: Final = (AmbiguousImageError, ImageError, PoisonedItemError, TableError, UnknownImageError)
"""What costs the one item of a request that it is about; anything else costs the request."""


@dataclass(frozen=True, slots=True)
class InferenceState:
    """Where the model stands, for readiness and metrics.

    Attributes:
        phase: whether the model is loaded.
        on_their_way: items, from before they are decoded until they are answered.
        queue: of these, what the model has or waits for it.
    """

    phase: ModelPhase
    on_their_way: int
    queue: BatcherState


class Inference:
    """The model's thread, the decoding workers, and the queue between them.

    Attributes:
        encoder: for threads that need an `ImageEncoder`; in the event loop use the methods here.
    """

    def __init__(
        self,
        tables: ParquetTables,
        open_encoder: Callable[[], ImageEncoder],
        settings: Callable[[], Settings],
        locate: Callable[[ImageId], Location | None],
    ) -> None:
        self._tables, self._settings, self._locate = tables, settings, locate
        given = settings()
        self._model = ServedModel(open_encoder, given.serving_torch_threads)
        self._batcher = Batcher(self._model.ensure_loaded)
        self._places = Places(MOST_ITEMS, lambda: self._batcher.state.seconds_per_item, SHARE_ITEMS)
        self._decoder = Decoder(_engine_params(given), partial(decode, longest_side_px=SILVER_MAX_SIDE_PX))
        self.encoder: ImageEncoder = SharedEncoder(self._model, self._batcher, self._places)

    @property
    def description(self) -> EncoderDescription:
        """Facts about the encoder; `ModelError` when its files are not there."""
        return self._model.encoder.description

    @property
    def state(self) -> InferenceState:
        """See `InferenceState`; reads nothing."""
        return InferenceState(self._model.phase, self._places.taken, self._batcher.state)

    def open(self) -> None:
        """Begin; nothing is loaded before it is needed, unless the settings want it warm."""
        self._batcher.start()
        if self._settings().serving_warm:
            self._batcher.submit(_nothing, [None])

    def close(self) -> None:
        """End: what waits is refused, workers are killed."""
        self._decoder.close()
        self._batcher.close(_PATIENCE_S)

    def refuse_when_full(self, caller: str = "") -> None:
        """`ServiceBusyError` when nothing more can be asked for, or not by this caller: before a body is read."""
        self._places.check(caller)

    async def encode_images(self, pictures: Sequence[bytes], caller: str = "") -> Embeddings:
        """A unit vector per picture; the error of the first that cannot be used."""
        return np.stack([_or_raise(each) for each in await self.encode_each(pictures, caller)])

    async def encode_each(self, pictures: Sequence[bytes], caller: str = "") -> list[Embedding | ImageAssetsError]:
        """A unit vector per picture, or why there is none."""
        with self._places.take(len(pictures), caller):
            return await _each(partial(self._encode_one, caller), pictures)

    async def encode_texts(self, texts: Sequence[str], caller: str = "") -> Embeddings:
        """A unit vector per text."""
        with self._places.take(len(texts), caller):
            encode: Work[str, Embedding] = (await self._opened()).encode_texts
            return np.stack(await self._compute(encode, texts, caller))

    async def predict_each(
        self, subjects: Sequence[bytes | ImageId], caller: str = ""
    ) -> list[Prediction | ImageAssetsError]:
        """What pictures, or images of the lake by their ids, are taken for, or why that cannot be said."""
        with self._places.take(len(subjects), caller):
            return await _each(partial(self._predict_one, await self.predictor(), caller), subjects)

    async def predict(self, subject: bytes | ImageId, caller: str = "") -> Prediction:
        """The same of one."""
        with self._places.take(1, caller):
            return await self._predict_one(await self.predictor(), caller, subject)

    async def predictor(self) -> Predictor:
        """The model that predicts, at most a second behind the lake."""
        classes = self._settings().class_names
        if found := self._predicting.fresh(classes):
            return found
        return await run_in_threadpool(self._predicting.choose, classes)

    @cached_property
    def _predicting(self) -> PredictingModel:
        return PredictingModel(self._tables, self.encoder, self._settings().device)

    async def _opened(self) -> ImageEncoder:
        """The encoder itself, for the model's thread."""
        if encoder := self._model.opened:
            return encoder
        return await run_in_threadpool(lambda: self._model.encoder)

    async def decode(self, picture: bytes, limits: InspectParams, caller: str = "") -> RgbImage:
        """Pixels of a stranger's file, within limits of one's own; `ImageError` of one that cannot be used."""
        with self._places.take(1, caller):
            return await asyncio.wrap_future(self._decoder.submit(picture, limits, caller))

    async def _decode(self, caller: str, picture: bytes) -> RgbImage:
        return await asyncio.wrap_future(self._decoder.submit(picture, self._settings().inspect_params, caller))

    async def _encode_one(self, caller: str, picture: bytes) -> Embedding:
        pixels = await self._decode(caller, picture)
        encode: Work[RgbImage, Embedding] = (await self._opened()).encode_images
        return await self._compute_one(encode, pixels, caller)

    async def _input(self, caller: str, subject: bytes | ImageId, reads: Reads) -> ClassifierInput:
        """What a classifier is given: of an image of the lake the same as in its day's run."""
        if isinstance(subject, str):
            return await run_in_threadpool(self._stored, subject, reads)
        return await (self._encode_one if reads is Reads.EMBEDDING else self._decode)(caller, subject)

    def _stored(self, name: ImageId, reads: Reads) -> ClassifierInput:
        if not is_name(name):
            raise UnknownImageError(f"{name[:_SHOWN_CHARS]} is no id of an image, nor the beginning of one")
        image_id = ImageId(whole_id(self._tables, name))
        location = self._locate(image_id)
        if location is None or location.is_erased:
            raise UnknownImageError(f"there is no image {image_id}")
        return stored_input(self._tables, image_id, location.day, reads, self.description)

    async def _predict_one(self, predictor: Predictor, caller: str, subject: bytes | ImageId) -> Prediction:
        seen = await self._input(caller, subject, predictor.model.reads)
        classifier, params = predictor.classifier, self._settings().prediction_params
        if predictor.model.reads is Reads.PIXELS:
            compute: Work[ClassifierInput, npt.NDArray[np.float32]] = classifier.probabilities
            row = await self._compute_one(compute, seen, caller)
        else:
            # One vector times one small matrix: less work than to ask a thread for it.
            (row,) = classifier.probabilities([seen])
        return {
            **say(classifier.labels, row, predictor.model.threshold(params)),
            "model_version": predictor.model.version,
        }

    async def _compute_one(self, work: Work[Item, Result], item: Item, caller: str) -> Result:
        (answer,) = self._batcher.submit(work, [item], caller)
        return await asyncio.wrap_future(answer)

    async def _compute(self, work: Work[Item, Result], items: Sequence[Item], caller: str) -> list[Result]:
        answers: list[Future[Result]] = self._batcher.submit(work, items, caller)
        return list(await asyncio.gather(*map(asyncio.wrap_future, answers)))


def _engine_params(settings: Settings) -> EngineParams:
    return EngineParams(
        workers=settings.serving_decoders,
        item_timeout_s=min(settings.serving_decode_timeout_s, settings.image_timeout_s),
        worker_memory_bytes=settings.worker_memory_mb * 2**20,
    )


def _nothing(items: Sequence[None]) -> Sequence[None]:
    """Work that has the model loaded and no more."""
    return items


async def _each(work: Callable[[Item], Awaitable[Result]], items: Sequence[Item]) -> list[Result | ImageAssetsError]:
    async def attempt(item: Item) -> Result | ImageAssetsError:
        try:
            return await work(item)
        except ITS_OWN_FAULT as error:
            return cast("ImageAssetsError", error)

    return list(await asyncio.gather(*map(attempt, items)))


def _or_raise(answer: Result | ImageAssetsError) -> Result:
    if isinstance(answer, ImageAssetsError):
        raise answer
    return answer
