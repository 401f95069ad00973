"""What it means to be an encoder of images and texts, whatever computes it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from image_assets.imaging.pixels import RgbImage

Embeddings: TypeAlias = npt.NDArray[np.float32]
"""float32, one row per item x dimension, every row of unit length."""

Embedding: TypeAlias = npt.NDArray[np.float32]
"""float32, dimension; of unit length."""

PreparedImage: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.float32]
"""An image at an encoder's input size, in the form that this encoder takes."""


def encoder_key(name: str) -> str:
    """A hub name, a folder or `builtin` as one part of an object key: `openai/clip` is `openai--clip`."""
    plain = Path(name).resolve().name if Path(name).is_dir() else name
    return re.sub(r"[^A-Za-z0-9._-]", "-", plain.replace("/", "--")).lstrip(".") or "unnamed"


@dataclass(frozen=True, slots=True)
class EncoderDescription:
    """Facts about an encoder that a recipe and a person need.

    Attributes:
        name: hub name or folder name; safe as one part of an object key.
        revision: what pins the weights: a commit or a hash of the weight files.
        dimension: numbers per embedding.
        input_size_px: side of the square the image is brought to.
        licence: SPDX expression or the licence's name.
        source: where the weights come from.
        learned_from: SHA-256 of each photo it was trained on, as far as the checkpoint tells.
    """

    name: str
    revision: str
    dimension: int
    input_size_px: int
    licence: str
    source: str
    learned_from: frozenset[str] = field(default=frozenset(), repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and how an encoder computes; what is left open is chosen for the machine when the model is loaded.

    Attributes:
        device: auto, cpu, cuda, cuda:N or mps.
        precision: auto, fp32, fp16 or bf16.
        batch_size: images or texts per pass; halved for good when memory runs out.
        execution: of the pass over images: eager, compile or graphs.
    """

    device: str = "auto"
    precision: str = "auto"
    batch_size: int | None = None
    execution: str = "eager"


@dataclass(frozen=True, slots=True)
class EncoderLoad:
    """What a loaded encoder takes of its device; `peak_memory_bytes` is known on CUDA only."""

    device: str
    precision: str
    batch_size: int
    peak_memory_bytes: int | None


class ImageEncoder(Protocol):
    """Maps images and texts into one space where a dot product is a cosine similarity."""

    @property
    def description(self) -> EncoderDescription:
        """Facts about the weights; available without running the model."""
        ...

    @property
    def load(self) -> EncoderLoad | None:
        """What the model takes of the device; None while it is not loaded."""
        ...

    @property
    def logit_scale(self) -> float:
        """What a cosine is multiplied by before a softmax over texts, as trained; 100 for CLIP."""
        ...

    def knows(self, text: str) -> bool:
        """Whether every word of the text is in the vocabulary; a vector of other texts means little."""
        ...

    def encode_images(self, images: Sequence[RgbImage]) -> Embeddings:
        """One unit vector per image, in order."""
        ...

    def prepare_image(self, image: RgbImage) -> PreparedImage:
        """The first half of `encode_images`, for one image; may be called from several threads at once."""
        ...

    def encode_prepared(self, images: Iterable[PreparedImage]) -> Iterator[Embedding]:
        """The second half: a unit vector per image, in order; takes images ahead, so that the device never waits."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """One unit vector per text, in order."""
        ...
