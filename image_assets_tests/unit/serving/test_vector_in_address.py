"""A picture to search with as part of an address."""

from dataclasses import replace

import numpy as np
import pytest

from image_assets.errors import SearchError
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.serving.gallery.vector_in_address import MAX_LENGTH, as_text, as_vector

ENCODER = EncoderDescription("small", "1", 384, 224, "MIT", "here")


def unit_vector(dimension: int) -> np.ndarray:
    drawn = np.random.default_rng(5).normal(size=dimension).astype(np.float32)
    return drawn / np.linalg.norm(drawn)


def test_an_address_holds_the_direction_of_a_picture() -> None:
    vector = unit_vector(ENCODER.dimension)
    held = as_vector(as_text(vector, ENCODER), ENCODER)
    assert float(held @ vector / np.linalg.norm(held)) > 0.999


def test_the_longest_vector_fits() -> None:
    large = replace(ENCODER, dimension=4_096)
    assert len(as_text(unit_vector(4_096), large)) < MAX_LENGTH


@pytest.mark.parametrize("other", [replace(ENCODER, name="other"), replace(ENCODER, revision="2")])
def test_another_encoder_cannot_be_asked_with_it(other: EncoderDescription) -> None:
    with pytest.raises(SearchError, match="another encoder"):
        as_vector(as_text(unit_vector(ENCODER.dimension), ENCODER), other)


@pytest.mark.parametrize("coded", ["", "AAAA", "A" * 512, "\N{SNOWMAN}", "A" * 511 + "!", "A" * 513])
def test_what_is_no_vector_is_refused(coded: str) -> None:
    name = as_text(unit_vector(ENCODER.dimension), ENCODER).partition(".")[0]
    with pytest.raises(SearchError, match="no vector"):
        as_vector(f"{name}.{coded}", ENCODER)
