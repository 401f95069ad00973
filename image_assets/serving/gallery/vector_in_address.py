"""A picture to search with as part of an address: its vector alone, so that the picture itself is kept nowhere.

A number takes a byte: a search with the vector of an address finds what a search with the picture finds, with scores
that differ by less than 0.01. It is not signed, because anybody may ask with any vector; it names the encoder, because
another one would find something else.
"""

import base64
import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt

from image_assets.errors import SearchError
from image_assets.models.encoders.encoder import EncoderDescription

MAX_LENGTH: Final = 6_000
_LARGEST: Final = 127
_DIGITS: Final = 8


def as_text(vector: npt.NDArray[np.float32], encoder: EncoderDescription) -> str:
    """The vector as text, which says whose it is."""
    steps = np.rint(vector / np.abs(vector).max() * _LARGEST).astype(np.int8)
    return f"{_name_of(encoder)}.{base64.urlsafe_b64encode(steps.tobytes()).decode().rstrip('=')}"


def as_vector(text: str, encoder: EncoderDescription) -> npt.NDArray[np.float32]:
    """The vector of a text; of any length but zero.

    Raises:
        SearchError: another encoder made it, or it is none.
    """
    name, _, coded = text.partition(".")
    if name != _name_of(encoder):
        raise SearchError(f"this search is of another encoder than {encoder.name}: search with the picture again")
    try:
        steps = np.frombuffer(base64.b64decode(coded + "=" * (-len(coded) % 4), b"-_", validate=True), np.int8)
    except ValueError as error:
        raise SearchError("this is no vector of a picture: search with the picture again") from error
    if len(steps) != encoder.dimension or not steps.any():
        raise SearchError("this is no vector of a picture: search with the picture again")
    return steps.astype(np.float32)


def _name_of(encoder: EncoderDescription) -> str:
    told = f"{encoder.name}\n{encoder.revision}\n{encoder.dimension}"
    return hashlib.sha256(told.encode()).hexdigest()[:_DIGITS]
