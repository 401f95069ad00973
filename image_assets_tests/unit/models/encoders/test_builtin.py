from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image, ImageDraw
from transformers import AutoModel, AutoProcessor

import image_assets
from image_assets.imaging.pixels import RgbImage
from image_assets.models.encoders.checkpoints import BUILTIN_FOLDER
from image_assets.models.encoders.efficientnet_lite import register
from image_assets.models.encoders.encoder import ImageEncoder, Placement
from image_assets.models.encoders.lazy_encoder import open_encoder

FIRST_NUMBERS = [0.07796, 0.06315, -0.02709, -0.00446, -0.06132, 0.06629]
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


def sample(name: str) -> RgbImage:
    with Image.open(Path(image_assets.__file__).parent / "samples" / "photos" / f"{name}.jpg") as photo:
        return np.asarray(photo.convert("RGB"))


def cosine(encoder: ImageEncoder, image: RgbImage, texts: list[str]) -> npt.NDArray[np.float32]:
    similarity: npt.NDArray[np.float32] = encoder.encode_texts(texts) @ encoder.encode_images([image])[0]
    return similarity


def test_builtin_gives_the_numbers_it_was_shipped_with(builtin: ImageEncoder, red_shirt: RgbImage) -> None:
    np.testing.assert_allclose(builtin.encode_images([red_shirt])[0, :6], FIRST_NUMBERS, atol=2e-4)


@pytest.mark.parametrize(("name", "colour"), [("dress-2", "red"), ("dress-3", "blue"), ("pants-2", "green")])
def test_builtin_sees_colours(builtin: ImageEncoder, name: str, colour: str) -> None:
    colours = ["red", "blue", "green"]
    similar = cosine(builtin, sample(name), [f"something {each}" for each in colours])
    assert colours[int(similar.argmax())] == colour


def test_builtin_tells_a_shirt_from_shoes(builtin: ImageEncoder) -> None:
    texts = ["a photo of a t-shirt", "a photo of shoes"]
    shirt, shoes = (cosine(builtin, sample(name), texts) for name in ("t-shirt-1", "shoes-1"))
    assert shirt[0] > shirt[1]
    assert shoes[0] < shoes[1]


def test_a_picture_without_clothing_is_far_from_every_label(builtin: ImageEncoder) -> None:
    screen = Image.new("RGB", (300, 200), "white")
    pen = ImageDraw.Draw(screen)
    for top in range(10, 190, 15):
        pen.text((10, top), "total 12.90 thank you for your visit", fill="black")
    labels = [f"a photo of a {label}" for label in ("dress", "hat", "shirt", "shoes", "skirt", "t-shirt")]
    assert cosine(builtin, np.asarray(screen), labels).max() < cosine(builtin, sample("t-shirt-1"), labels).max() / 2


def test_builtin_says_what_it_is(builtin: ImageEncoder) -> None:
    description = builtin.description
    assert (description.name, description.dimension, description.input_size_px) == ("builtin", 256, 176)
    assert description.licence == "apache-2.0"


def test_the_small_one_sees_less_of_the_same(builtin: ImageEncoder) -> None:
    small = open_encoder("builtin-small", None, Placement("cpu", "fp32"))
    shirt = sample("t-shirt-1")
    assert small.prepare_image(shirt).shape == (120, 120, 3)
    assert (small.description.name, small.description.input_size_px) == ("builtin-small", 120)
    alike = float(small.encode_images([shirt])[0] @ builtin.encode_images([shirt])[0])
    assert 0.7 < alike < 0.9999
    np.testing.assert_array_equal(small.encode_texts(["a red dress"]), builtin.encode_texts(["a red dress"]))


def test_builtin_loads_with_plain_transformers_and_gives_the_same(builtin: ImageEncoder, red_shirt: RgbImage) -> None:
    register()
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
    assert not builtin.knows("shoes for kids")


def test_builtin_is_small_enough_to_ship() -> None:
    assert sum(path.stat().st_size for path in Path(BUILTIN_FOLDER).iterdir()) < 12_000_000
