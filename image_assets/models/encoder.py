"""What it means to be an encoder of images and texts, whatever computes it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

RgbImage: TypeAlias = npt.NDArray[np.uint8]
"""uint8, rows x columns x 3, sRGB."""

Embeddings: TypeAlias = npt.NDArray[np.float32]
"""float32, one row per item x dimension, every row of unit length."""


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
    """

    name: str
    revision: str
    dimension: int
    input_size_px: int
    licence: str
    source: str


class ImageEncoder(Protocol):
    """Maps images and texts into one space where a dot product is a cosine similarity."""

    @property
    def description(self) -> EncoderDescription:
        """Facts about the weights; available without running the model."""
        ...

    def encode_images(self, images: Sequence[RgbImage]) -> Embeddings:
        """One unit vector per image, in order."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """One unit vector per text, in order."""
        ...
