"""An encoder that is described at once and loaded when it first has to compute."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING

from image_assets.imaging.pixels import RgbImage
from image_assets.models.encoders.checkpoint_description import describe_checkpoint
from image_assets.models.encoders.checkpoints import Checkpoint, locate_checkpoint
from image_assets.models.encoders.encoder import (
    Embedding,
    Embeddings,
    EncoderDescription,
    EncoderLoad,
    Placement,
    PreparedImage,
)

if TYPE_CHECKING:
    from image_assets.models.encoders.transformers_encoder import TransformersEncoder

_LOADING = Lock()


def open_encoder(name: str, revision: str | None, placement: Placement) -> "LazyEncoder":
    """An encoder by hub name, local folder or the word `builtin`; neither torch nor the model is loaded yet.

    Raises:
        ModelError: missing, unreachable, or not a dual encoder; damaged weights are found when they are loaded.
    """
    checkpoint = locate_checkpoint(name, revision)
    return LazyEncoder(checkpoint, describe_checkpoint(checkpoint), placement)


class LazyEncoder:
    """An `ImageEncoder`; the process loads a model once, however many of these it makes of one checkpoint.

    Anything but `description` and `load` raises what loading raises: `ModelError`, `ConfigurationError`.
    """

    def __init__(self, checkpoint: Checkpoint, description: EncoderDescription, placement: Placement) -> None:
        self._checkpoint = checkpoint
        self._description = description
        self._placement = placement
        self._encoder: TransformersEncoder | None = None

    @property
    def description(self) -> EncoderDescription:
        """Facts about the weights."""
        return self._description

    @property
    def load(self) -> EncoderLoad | None:
        """What the model takes of the device; None while nothing had to be computed."""
        return self._encoder.load if self._encoder else None

    @property
    def logit_scale(self) -> float:
        """See `ImageEncoder`."""
        return self._loaded().logit_scale

    def knows(self, text: str) -> bool:
        """See `ImageEncoder`."""
        return self._loaded().knows(text)

    def encode_images(self, images: Sequence[RgbImage]) -> Embeddings:
        """See `ImageEncoder`."""
        return self._loaded().encode_images(images)

    def prepare_image(self, image: RgbImage) -> PreparedImage:
        """See `ImageEncoder`."""
        return self._loaded().prepare_image(image)

    def encode_prepared(self, images: Iterable[PreparedImage]) -> Iterator[Embedding]:
        """See `ImageEncoder`."""
        return self._loaded().encode_prepared(images)

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """See `ImageEncoder`."""
        return self._loaded().encode_texts(texts)

    def _loaded(self) -> "TransformersEncoder":
        if self._encoder is None:
            with _LOADING:
                self._encoder = _load_once(self._checkpoint, self._placement)
        return self._encoder


@lru_cache(maxsize=1)
def _load_once(checkpoint: Checkpoint, placement: Placement) -> "TransformersEncoder":
    # Imported here, because importing torch and transformers takes seconds.
    from image_assets.models.encoders.encoder_loading import load_encoder

    return load_encoder(checkpoint, placement)
