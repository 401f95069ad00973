import itertools
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoModel, AutoTokenizer, CLIPModel, CLIPTextModelWithProjection

from image_assets.errors import ModelError
from image_assets.imaging.pixels import RgbImage
from image_assets.models.encoders.checkpoints import locate_checkpoint
from image_assets.models.encoders.encoder import EncoderDescription, EncoderLoad, ImageEncoder, Placement
from image_assets.models.encoders.encoder_loading import load_encoder
from image_assets.models.encoders.image_preparation import ImageRules
from image_assets.models.encoders.transformers_encoder import TransformersEncoder

TEXTS = ["a photo of red shoes", "blue dress", "a", "something unheard of"]


def load(folder: Path, batch_size: int = 32) -> TransformersEncoder:
    return load_encoder(locate_checkpoint(str(folder), None), Placement("cpu", "fp32", batch_size))


def test_every_image_gets_a_unit_vector(any_folder: Path, images: list[RgbImage]) -> None:
    encoder: ImageEncoder = load(any_folder)
    embeddings = encoder.encode_images(images)
    assert embeddings.shape == (len(images), encoder.description.dimension)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)


def test_every_text_gets_a_unit_vector(any_folder: Path) -> None:
    encoder = load(any_folder)
    embeddings = encoder.encode_texts(TEXTS)
    assert embeddings.shape == (len(TEXTS), encoder.description.dimension)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)


def test_order_is_kept_and_a_batch_does_not_change_its_members(any_folder: Path, images: list[RgbImage]) -> None:
    encoder = load(any_folder, batch_size=3)
    alone = np.concatenate([encoder.encode_images([image]) for image in images])
    np.testing.assert_allclose(encoder.encode_images(images), alone, atol=1e-5)


def test_padding_does_not_change_a_text(any_folder: Path) -> None:
    encoder = load(any_folder)
    alone = np.concatenate([encoder.encode_texts([text]) for text in TEXTS])
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), alone, atol=1e-5)


def test_the_same_image_gives_the_same_numbers(clip_folder: Path, images: list[RgbImage]) -> None:
    first, second = load(clip_folder), load(clip_folder)
    np.testing.assert_array_equal(first.encode_images(images), second.encode_images(images))


def test_no_items_give_no_rows(clip_folder: Path) -> None:
    encoder = load(clip_folder)
    assert encoder.encode_images([]).shape == (0, 16)
    assert encoder.encode_texts([]).shape == (0, 16)


def test_texts_are_encoded_once_and_whoever_gets_the_vectors_may_change_them(clip_folder: Path) -> None:
    encoder = load(clip_folder)
    first = encoder.encode_texts(TEXTS)
    before = first.copy()
    with torch.no_grad():
        for weights in encoder._model.parameters():  # type: ignore[attr-defined]
            weights.zero_()
    first[:] = 0
    np.testing.assert_array_equal(encoder.encode_texts(TEXTS), before)


def test_a_text_beyond_the_models_length_is_cut(any_folder: Path) -> None:
    encoder = load(any_folder)
    long, longer = encoder.encode_texts(["red " * 20, "red " * 400])
    np.testing.assert_allclose(long, longer, atol=1e-6)


def test_siglip_reads_texts_padded_to_full_length_without_a_mask(
    make_checkpoint: Callable[[str], Path],
) -> None:
    folder = make_checkpoint("siglip")
    tokens = AutoTokenizer.from_pretrained(folder)(["blue dress"], padding="max_length", return_tensors="pt")
    with torch.no_grad():
        expected = AutoModel.from_pretrained(folder).get_text_features(tokens["input_ids"]).pooler_output
    np.testing.assert_allclose(
        load(folder).encode_texts(["blue dress"]), torch.nn.functional.normalize(expected).numpy(), atol=1e-6
    )


def test_other_weights_have_another_revision(make_checkpoint: Callable[[str], Path]) -> None:
    folder = make_checkpoint("clip")
    before = load(folder).description.revision
    model = CLIPModel.from_pretrained(folder)
    with torch.no_grad():
        model.logit_scale.add_(1)
    model.save_pretrained(folder)
    assert len(before) == 16
    assert load(folder).description.revision != before


def test_torn_weights_are_a_model_error(make_checkpoint: Callable[[str], Path]) -> None:
    folder = make_checkpoint("clip")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(ModelError, match=r"IMAGE_ASSETS_ENCODER.*'builtin'"):
        load(folder)


def test_weights_that_do_not_fill_the_model_are_a_model_error(make_checkpoint: Callable[[str], Path]) -> None:
    folder = make_checkpoint("clip")
    model = CLIPModel.from_pretrained(folder)
    weights = {name: value for name, value in model.state_dict().items() if "projection" not in name}
    model.save_pretrained(folder, state_dict=weights)
    with pytest.raises(ModelError, match="lacks 2 of its weights, such as text_projection"):
        load(folder)


def test_a_model_of_texts_only_is_a_model_error(make_checkpoint: Callable[[str], Path]) -> None:
    folder = make_checkpoint("clip")
    config = CLIPModel.from_pretrained(folder).config.text_config
    CLIPTextModelWithProjection(config).save_pretrained(folder)
    with pytest.raises(ModelError, match="CLIPTextModel, not an encoder of images and texts"):
        load(folder)


def test_the_logit_scale_is_the_trained_one_whatever_the_precision(make_checkpoint: Callable[[str], Path]) -> None:
    folder = make_checkpoint("clip")
    model = CLIPModel.from_pretrained(folder)
    with torch.no_grad():
        model.logit_scale.fill_(math.log(100))
    model.save_pretrained(folder)
    encoder = load_encoder(locate_checkpoint(str(folder), None), Placement("cpu", "bf16", 2))
    assert encoder.logit_scale == pytest.approx(100, rel=1e-6)


def test_a_text_is_known_when_each_of_its_words_is(any_folder: Path) -> None:
    encoder = load(any_folder)
    assert encoder.knows("a photo of red shoes")
    assert not encoder.knows("a photo of purple shoes")
    assert not encoder.knows("")


def test_the_load_says_where_and_how_the_model_computes(clip_folder: Path) -> None:
    assert load(clip_folder, batch_size=5).load == EncoderLoad("cpu", "fp32", 5, None)


def test_half_precision_moves_a_vector_little(any_folder: Path, images: list[RgbImage]) -> None:
    checkpoint = locate_checkpoint(str(any_folder), None)
    half = load_encoder(checkpoint, Placement("cpu", "bf16", 32)).encode_images(images)
    assert (half * load(any_folder).encode_images(images)).sum(axis=1).min() > 0.999


def test_prepared_images_are_taken_a_batch_at_a_time_and_never_all_at_once(clip_folder: Path) -> None:
    encoder = load(clip_folder, batch_size=2)
    image = encoder.prepare_image(np.zeros((32, 32, 3), np.uint8))
    taken = itertools.count()
    vectors = encoder.encode_prepared(image for _ in range(100) if next(taken) >= 0)
    next(vectors)
    assert next(taken) <= 4


class NarrowClip(CLIPModel):
    """A device with room for a few images."""

    room = 3

    def get_image_features(self, pixel_values: torch.Tensor) -> torch.Tensor:
        if len(pixel_values) > self.room:
            raise torch.OutOfMemoryError(f"no room for {len(pixel_values)} images")
        features: torch.Tensor = super().get_image_features(pixel_values=pixel_values).pooler_output
        return features


class TinyRoomClip(NarrowClip):
    """A device with no room at all."""

    room = 0


def narrow(kind: type[NarrowClip], folder: Path, batch_size: int) -> TransformersEncoder:
    rules = ImageRules(32, 32, 32, Image.Resampling.BICUBIC, 1 / 255, (0.5,) * 3, (0.5,) * 3)
    description = EncoderDescription("narrow", "0", 16, 32, "unknown", "here")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    placement = Placement("cpu", "fp32", batch_size)
    return TransformersEncoder(kind.from_pretrained(folder), tokenizer, rules, description, placement)


def test_out_of_memory_halves_the_batch_and_keeps_the_order(clip_folder: Path, images: list[RgbImage]) -> None:
    encoder = narrow(NarrowClip, clip_folder, batch_size=7)
    embeddings = encoder.encode_images(images)
    alone = np.concatenate([encoder.encode_images([image]) for image in images])
    np.testing.assert_allclose(embeddings, alone, atol=1e-5)


def test_the_smaller_batch_is_remembered(clip_folder: Path, images: list[RgbImage]) -> None:
    encoder = narrow(NarrowClip, clip_folder, batch_size=7)
    encoder.encode_images(images)
    assert encoder.load.batch_size == 3


def test_no_room_for_one_image_is_a_model_error(clip_folder: Path, images: list[RgbImage]) -> None:
    with pytest.raises(ModelError, match="even for one item"):
        narrow(TinyRoomClip, clip_folder, batch_size=4).encode_images(images)
