"""Any CLIP-style dual encoder that transformers loads, behind our `ImageEncoder`."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeVar

import numpy as np
import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from torch import Tensor
from torch.nn import functional
from transformers import (
    AutoImageProcessor,
    AutoModel,
    AutoTokenizer,
    BatchEncoding,
    PreTrainedTokenizerBase,
)
from transformers.utils.logging import disable_progress_bar

from image_assets.errors import ModelError
from image_assets.models.checkpoints import ADVICE, Checkpoint, locate_checkpoint
from image_assets.models.devices import choose_device, choose_precision, dtype_of, release_cached_memory
from image_assets.models.encoder import Embeddings, EncoderDescription, RgbImage
from image_assets.models.image_preparation import read_image_rules

_Item = TypeVar("_Item")

_LOADING_ERRORS: Final = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RuntimeError,
    ImportError,
    SafetensorError,
    StrictDataclassError,
)
"""What transformers was seen to raise on missing, torn, foreign or unsupported files."""

_LONGEST_TEXT: Final = 512
"""Tokens; bound for tokenizers that state none."""


class DualEncoder(Protocol):
    """The part of a transformers model that we rely on; its own annotations hide it."""

    @property
    def config(self) -> Any:
        """The checkpoint's configuration."""
        ...

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the weights."""
        ...

    def get_image_features(self, *, pixel_values: Tensor) -> Any:
        """Features in the common space, or an output object that holds them."""
        ...

    def get_text_features(self, *, input_ids: Tensor) -> Any:
        """Likewise; most models take a mask too."""
        ...


class ImagePreparation(Protocol):
    """Brings images of any size to the one tensor that a checkpoint expects."""

    @property
    def height_px(self) -> int:
        """Rows of the result."""
        ...

    def prepare(self, images: Sequence[RgbImage]) -> Tensor:
        """float32, images x 3 x rows x columns."""
        ...


def load_encoder(
    name: str,
    *,
    revision: str | None = None,
    device: str = "auto",
    precision: str = "auto",
    batch_size: int = 32,
) -> "TransformersEncoder":
    """Loads a checkpoint by hub name, local folder or the word `builtin`.

    Args:
        name: what to load.
        revision: hub commit, tag or branch; ignored for folders.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: auto, fp32, fp16 or bf16.
        batch_size: images or texts per pass; halved for good when memory runs out.

    Raises:
        ModelError: missing, unreachable, corrupt, or not a dual encoder.
        ConfigurationError: no such device or precision.
    """
    # Its bar over each file drowns the bars of whoever loads the encoder.
    disable_progress_bar()
    chosen_device = choose_device(device)
    dtype = dtype_of(choose_precision(precision, chosen_device))
    checkpoint = locate_checkpoint(name, revision)
    model = _load_model(checkpoint, dtype, chosen_device)
    tokenizer = _load_part(AutoTokenizer.from_pretrained, checkpoint)
    processor = _load_part(AutoImageProcessor.from_pretrained, checkpoint, backend="pil")
    preparation = read_image_rules(processor)
    description = EncoderDescription(
        name=checkpoint.name,
        revision=checkpoint.revision,
        dimension=_dimension_of(model),
        input_size_px=preparation.height_px,
        licence=checkpoint.licence,
        source=checkpoint.source,
    )
    return TransformersEncoder(model, tokenizer, preparation, description, batch_size)


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
        batch_size: int,
    ) -> None:
        self._model: DualEncoder | None = model
        self._tokenizer = tokenizer
        self._preparation = preparation
        self._description = description
        self._batch_size = max(1, batch_size)
        self._text_arguments = frozenset(inspect.signature(model.get_text_features).parameters)

    @property
    def description(self) -> EncoderDescription:
        """Facts about the weights."""
        return self._description

    @property
    def batch_size(self) -> int:
        """Items per pass; smaller than asked for once memory ran out."""
        return self._batch_size

    def encode_images(self, images: Sequence[RgbImage]) -> Embeddings:
        """One unit vector per image, in order; images may differ in size.

        Raises:
            ModelError: memory does not suffice for one image, or the encoder was released.
        """
        return self._encode(images, self._image_features)

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """One unit vector per text, in order; a text beyond the model's length is cut.

        Raises:
            ModelError: memory does not suffice for one text, or the encoder was released.
        """
        return self._encode(texts, self._text_features)

    def release(self) -> None:
        """Frees the memory of the model; the encoder cannot be used afterwards."""
        if self._model is not None:
            device = str(self._model.device)
            self._model = None
            release_cached_memory(device)

    def _encode(self, items: Sequence[_Item], features_of: Callable[[Sequence[_Item]], Tensor]) -> Embeddings:
        batches: list[Embeddings] = []
        start = 0
        while start < len(items):
            batch = items[start : start + self._batch_size]
            features = self._unless_out_of_memory(batch, features_of)
            if features is None:
                self._shrink_batch(len(batch))
                continue
            batches.append(self._unit_rows(features))
            start += len(batch)
        return np.concatenate(batches) if batches else np.zeros((0, self._description.dimension), np.float32)

    def _unless_out_of_memory(
        self, batch: Sequence[_Item], features_of: Callable[[Sequence[_Item]], Tensor]
    ) -> Tensor | None:
        try:
            with torch.inference_mode():
                return features_of(batch)
        except RuntimeError as problem:  # torch.OutOfMemoryError is one; the CPU and mps raise a bare one
            if isinstance(problem, ModelError) or not _is_out_of_memory(problem):
                raise
            return None

    def _shrink_batch(self, failed: int) -> None:
        """Half of what did not fit, from now on; called when the failed pass holds no memory any more."""
        if failed == 1:
            raise ModelError(
                f"{self._description.name} needs more memory than the device has, even for one item; "
                f"choose a smaller model or the device cpu. {ADVICE}"
            )
        self._batch_size = failed // 2
        release_cached_memory(str(self._loaded_model.device))

    def _image_features(self, images: Sequence[RgbImage]) -> Tensor:
        model = self._loaded_model
        pixels = self._preparation.prepare(images).to(model.device, model.dtype)
        return _features_of(model.get_image_features(pixel_values=pixels))

    def _text_features(self, texts: Sequence[str]) -> Tensor:
        model = self._loaded_model
        tokens = self._tokenize(texts).to(model.device)
        known = {name: values for name, values in tokens.items() if name in self._text_arguments}
        return _features_of(model.get_text_features(**known))

    def _tokenize(self, texts: Sequence[str]) -> BatchEncoding:
        """SigLIP learned from texts padded to full length without a mask; the others mask their padding."""
        is_siglip = self._loaded_model.config.model_type.startswith("siglip")
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
        stated = getattr(self._loaded_model.config.text_config, "max_position_embeddings", _LONGEST_TEXT)
        return min(self._tokenizer.model_max_length, stated, _LONGEST_TEXT)

    @property
    def _loaded_model(self) -> DualEncoder:
        if self._model is None:
            raise ModelError(f"{self._description.name} was released; load it again")
        return self._model

    def _unit_rows(self, features: Tensor) -> Embeddings:
        if features.ndim != 2 or features.shape[1] != self._description.dimension:
            raise ModelError(
                f"{self._description.name} returned features of shape {tuple(features.shape)}, "
                f"expected rows of {self._description.dimension}"
            )
        rows: Embeddings = functional.normalize(features.float(), dim=1).cpu().numpy()
        return rows


def _load_model(checkpoint: Checkpoint, dtype: torch.dtype, device: str) -> DualEncoder:
    model, report = _load_part(AutoModel.from_pretrained, checkpoint, dtype=dtype, output_loading_info=True)
    if not (hasattr(model, "get_image_features") and hasattr(model, "get_text_features")):
        raise ModelError(
            f"{checkpoint.source} is a {type(model).__name__}, not an encoder of images and texts. {ADVICE}"
        )
    if report["missing_keys"]:
        raise ModelError(
            f"{checkpoint.source} lacks {len(report['missing_keys'])} of its weights, "
            f"such as {min(report['missing_keys'])}. {ADVICE}"
        )
    loaded: DualEncoder = model.to(device).eval()
    return loaded


def _load_part(load: Callable[..., Any], checkpoint: Checkpoint, **options: Any) -> Any:
    try:
        return load(checkpoint.folder, local_files_only=True, **options)
    except _LOADING_ERRORS as problem:
        raise ModelError(f"{checkpoint.source} cannot be loaded: {problem}. {ADVICE}") from problem


def _dimension_of(model: DualEncoder) -> int:
    """CLIP's family calls it projection_dim, SigLIP's projection_size."""
    text = getattr(model.config, "text_config", None)
    dimension = getattr(model.config, "projection_dim", None) or getattr(text, "projection_size", None)
    if dimension is None:
        raise ModelError(f"a {model.config.model_type} model has no common space of images and texts. {ADVICE}")
    return int(dimension)


def _features_of(output: Any) -> Tensor:
    """Older models return the tensor, newer ones an output object whose pooled part is projected."""
    features: Tensor = output if isinstance(output, Tensor) else output.pooler_output
    return features


def _is_out_of_memory(problem: RuntimeError) -> bool:
    signs = ("out of memory", "not enough memory")  # mps; the CPU allocator
    return isinstance(problem, torch.OutOfMemoryError) or any(sign in str(problem) for sign in signs)
