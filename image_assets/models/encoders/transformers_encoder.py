"""Any CLIP-style dual encoder that transformers loads, behind our `ImageEncoder`."""

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from transformers import BatchEncoding, PreTrainedTokenizerBase

from image_assets.errors import ModelError
from image_assets.imaging.pixels import RgbImage
from image_assets.models.encoders.device_batches import DeviceBatches, send_images
from image_assets.models.encoders.devices import device_name, dtype_of, peak_memory_bytes
from image_assets.models.encoders.encoder import (
    Embedding,
    Embeddings,
    EncoderDescription,
    EncoderLoad,
    Placement,
    PreparedImage,
)
from image_assets.models.encoders.forward_pass import FORWARD_PASSES

_LONGEST_TEXT: Final = 512
"""Tokens; bound for tokenizers that state none."""

_TEXTS_KEPT: Final = 1024
"""Lists of texts whose vectors are kept."""


class DualEncoder(Protocol):
    """The part of a transformers model that we rely on; its own annotations hide it."""

    @property
    def config(self) -> Any:
        """The checkpoint's configuration."""
        ...

    def get_image_features(self, *, pixel_values: Tensor) -> Any:
        """Features in the common space, or an output object that holds them."""
        ...

    def get_text_features(self, *, input_ids: Tensor) -> Any:
        """Likewise; most models take a mask too."""
        ...

    def to(self, **options: Any) -> "DualEncoder":
        """The same model elsewhere, in another number format or memory layout."""
        ...

    def eval(self) -> "DualEncoder":
        """The same model, for use and not for training."""
        ...


class ImagePreparation(Protocol):
    """Brings images of any size to what a checkpoint expects, in two halves."""

    @property
    def height_px(self) -> int:
        """Rows of the result."""
        ...

    def prepare(self, image: RgbImage) -> PreparedImage:
        """What can be done in a thread, away from the device."""
        ...

    def normalise(self, batch: Tensor, dtype: torch.dtype) -> Tensor:
        """The rest, on the device: images x 3 x rows x columns."""
        ...


class TransformersEncoder:
    """An `ImageEncoder` over a transformers model.

    Same input, same numbers on the CPU. In fp32 the other members of a batch move a number by less than 1e-5.
    """

    def __init__(
        self,
        model: DualEncoder,
        tokenizer: PreTrainedTokenizerBase,
        preparation: ImagePreparation,
        description: EncoderDescription,
        placement: Placement,
    ) -> None:
        """Moves the model, which comes in fp32, to its place; every part of the placement must be chosen."""
        self._device = torch.device(placement.device)
        self._precision = placement.precision
        self._logit_scale = _logit_scale_of(model)
        self._model = model.to(
            device=self._device, dtype=dtype_of(placement.precision), memory_format=torch.channels_last
        ).eval()
        self._tokenizer = tokenizer
        self._preparation = preparation
        self._description = description
        self._forward = FORWARD_PASSES[placement.execution](self._image_features, self._device)
        self._batches = DeviceBatches(
            description.name, self._device, placement.batch_size or 1, release=self._forward.release
        )
        self._text_arguments = frozenset(inspect.signature(model.get_text_features).parameters)
        # Every run of a process asks for the same few hundred texts: those of the tags, the policies, the classes.
        self._texts = lru_cache(_TEXTS_KEPT)(lambda texts: self._stacked(self._batches.run(texts, self._text_vectors)))

    @property
    def description(self) -> EncoderDescription:
        """Facts about the weights."""
        return self._description

    @property
    def load(self) -> EncoderLoad:
        """What the model takes of the device."""
        device = str(self._device)
        return EncoderLoad(device_name(device), self._precision, self._batches.batch_size, peak_memory_bytes(device))

    @property
    def logit_scale(self) -> float:
        """What a cosine is multiplied by before a softmax over texts, as trained."""
        return self._logit_scale

    def knows(self, text: str) -> bool:
        """Whether the tokenizer has tokens for every word, signs aside; False where there is no word."""
        words = " ".join(re.findall(r"\w+", text))
        tokens = self._tokenizer(words, add_special_tokens=False)["input_ids"]
        return bool(tokens) and self._tokenizer.unk_token_id not in tokens

    def encode_images(self, images: Sequence[RgbImage]) -> Embeddings:
        """One unit vector per image, in order; images may differ in size.

        Raises:
            ModelError: memory does not suffice for one image.
        """
        return self._stacked(self.encode_prepared(map(self.prepare_image, images)))

    def prepare_image(self, image: RgbImage) -> PreparedImage:
        """The image at the input size; may be called from several threads at once."""
        return self._preparation.prepare(image)

    def encode_prepared(self, images: Iterable[PreparedImage]) -> Iterator[Embedding]:
        """One unit vector per prepared image, in order; `ModelError` as for `encode_images`."""
        return self._batches.run(images, self._image_vectors)

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """One unit vector per text, in order; a text beyond the model's length is cut.

        Raises:
            ModelError: memory does not suffice for one text.
        """
        return self._texts(tuple(texts)).copy()

    def _stacked(self, rows: Iterator[Embedding]) -> Embeddings:
        found = list(rows)
        return np.stack(found) if found else np.zeros((0, self._description.dimension), np.float32)

    def _image_vectors(self, images: Sequence[PreparedImage]) -> Tensor:
        pixels = self._preparation.normalise(send_images(images, self._device), dtype_of(self._precision))
        return self._forward(pixels)

    def _image_features(self, pixels: Tensor) -> Tensor:
        return self._unit_rows(self._model.get_image_features(pixel_values=pixels))

    def _text_vectors(self, texts: Sequence[str]) -> Tensor:
        tokens = self._tokenize(texts).to(self._device)
        known = {name: values for name, values in tokens.items() if name in self._text_arguments}
        return self._unit_rows(self._model.get_text_features(**known))

    def _tokenize(self, texts: Sequence[str]) -> BatchEncoding:
        """SigLIP learned from texts padded to full length without a mask; the others mask their padding."""
        is_siglip = self._model.config.model_type.startswith("siglip")
        tokens: BatchEncoding = self._tokenizer(
            list(texts),
            padding="max_length" if is_siglip else True,
            truncation=True,
            max_length=self._longest_text,
            return_tensors="pt",
            return_attention_mask=not is_siglip,
        )
        return tokens

    @property
    def _longest_text(self) -> int:
        stated = getattr(self._model.config.text_config, "max_position_embeddings", _LONGEST_TEXT)
        return min(self._tokenizer.model_max_length, stated, _LONGEST_TEXT)

    def _unit_rows(self, output: Any) -> Tensor:
        # Older models return the tensor, newer ones an output object whose pooled part is projected.
        features: Tensor = output if isinstance(output, Tensor) else output.pooler_output
        if features.ndim != 2 or features.shape[1] != self._description.dimension:
            raise ModelError(
                f"{self._description.name} returned features of shape {tuple(features.shape)}, "
                f"expected rows of {self._description.dimension}"
            )
        return functional.normalize(features.float(), dim=1)


def _logit_scale_of(model: Any) -> float:
    """CLIP and SigLIP learn its logarithm, ALIGN what it divides by."""
    if hasattr(model, "temperature"):
        return 1 / float(model.temperature)
    return float(model.logit_scale.detach().exp())
