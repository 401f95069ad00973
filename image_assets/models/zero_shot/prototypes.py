"""A label as a vector: the mean direction of plain sentences about it."""

from collections.abc import Sequence
from typing import Final

from image_assets.models.encoders.encoder import Embedding, ImageEncoder
from image_assets.models.zero_shot.tagging import encode_prototype

_TEMPLATES: Final = ("a photo of a {}", "{}", "a picture of a {}", "a product photo of a {}")


def noun_of(label: str) -> str:
    """A label as a word of a sentence."""
    return label.lower().replace("_", " ")


def sentences_about(label: str) -> list[str]:
    """What is encoded for a label."""
    return [template.format(noun_of(label)) for template in _TEMPLATES]


def encode_labels(encoder: ImageEncoder, labels: Sequence[str]) -> list[Embedding | None]:
    """The mean direction of sentences about each label; None for one that the encoder has no words for."""
    return [encode_prototype(encoder, sentences_about(label)) for label in labels]
