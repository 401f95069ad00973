from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image, ImageDraw
from transformers import AutoModel, AutoProcessor

from image_assets.imaging.pixels import RgbImage
from image_assets.models.encoders.checkpoints import BUILTIN_FOLDER
from image_assets.models.encoders.encoder import ImageEncoder, Placement
from image_assets.models.encoders.lazy_encoder import open_encoder

FIRST_NUMBERS = [0.03468, 0.02096, 0.06086, -0.00328, -0.07009, 0.00482]
"""Of the embedding of `red_shirt`, as the shipped weights give them."""


@pytest.fixture(scope="module")
def builtin() -> ImageEncoder:
    return open_encoder("builtin", None, Placement("cpu", "fp32"))


@pytest.fixture(scope="module")
def red_shirt() -> RgbImage:
    """A red T on a pale ground."""
    picture = Image.new("RGB", (300, 400), (225, 220, 210))
    pen = ImageDraw.Draw(picture)
    left_half = [(115, 80), (60, 110), (75, 165), (105, 150), (105, 310)]
    pen.polygon([*left_half, *((300 - x, y) for x, y in reversed(left_half))], "#b01e2c")
    return np.asarray(picture)


def cosine(encoder: ImageEncoder, image: RgbImage, texts: list[str]) -> npt.NDArray[np.float32]:
    similarity: npt.NDArray[np.float32] = encoder.encode_texts(texts) @ encoder.encode_images([image])[0]
    return similarity


def test_builtin_gives_the_numbers_it_was_shipped_with(builtin: ImageEncoder, red_shirt: RgbImage) -> None:
    np.testing.assert_allclose(builtin.encode_images([red_shirt])[0, :6], FIRST_NUMBERS, atol=2e-4)


def test_builtin_sees_colours(builtin: ImageEncoder, red_shirt: RgbImage) -> None:
    red, blue, green = cosine(builtin, red_shirt, ["something red", "something blue", "something green"])
    assert red > max(blue, green)


def test_builtin_tells_a_shirt_from_shoes(builtin: ImageEncoder, red_shirt: RgbImage) -> None:
    shirt, shoes = cosine(builtin, red_shirt, ["a photo of a t-shirt", "a photo of shoes"])
    assert shirt > shoes


def test_builtin_says_what_it_is(builtin: ImageEncoder) -> None:
    description = builtin.description
    assert (description.name, description.dimension, description.input_size_px) == ("builtin", 256, 128)
    assert description.licence == "apache-2.0"


def test_builtin_loads_with_plain_transformers_and_gives_the_same(builtin: ImageEncoder, red_shirt: RgbImage) -> None:
    processor = AutoProcessor.from_pretrained(BUILTIN_FOLDER, backend="pil")
    model = AutoModel.from_pretrained(BUILTIN_FOLDER, dtype=torch.float32)
    inputs = processor(images=[red_shirt], text=["blue shoes"], return_tensors="pt")
    with torch.no_grad():
        outputs = model(**inputs)
    np.testing.assert_allclose(outputs.image_embeds.numpy(), builtin.encode_images([red_shirt]), atol=1e-3)
    np.testing.assert_allclose(outputs.text_embeds.numpy(), builtin.encode_texts(["blue shoes"]), atol=1e-5)


def test_builtin_knows_the_words_it_learned_and_no_others(builtin: ImageEncoder) -> None:
    assert builtin.knows("A photo of red shoes.")
    assert not builtin.knows("a photo of a quixotic hat")


def test_builtin_is_small_enough_to_ship() -> None:
    assert sum(path.stat().st_size for path in Path(BUILTIN_FOLDER).iterdir()) < 10_000_000
