"""BLIP and BLIP-2 in the hub's format, tiny and with random weights: what they say means nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import AddedToken, Tokenizer, pre_tokenizers
from tokenizers.models import WordLevel
from transformers import (
    Blip2Config,
    Blip2ForConditionalGeneration,
    BlipConfig,
    BlipForConditionalGeneration,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

from image_assets.errors import ModelError
from image_assets.imaging.pixels import RgbImage
from image_assets.models.captioning.lazy_captioner import LazyCaptioner, open_captioner
from image_assets.models.encoders.encoder import Placement

WORDS = ("<pad>", "<s>", "</s>", "<unk>", "<image>", "a", "photo", "of", "red", "blue", "shoes", "dress")
SPECIAL = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
LAYERS = {"num_hidden_layers": 1, "num_attention_heads": 2, "hidden_size": 32, "intermediate_size": 48}
VISION: dict[str, Any] = {**LAYERS, "image_size": 32, "patch_size": 16}


def blip() -> PreTrainedModel:
    text = {**LAYERS, **SPECIAL, "vocab_size": len(WORDS), "encoder_hidden_size": 32, "sep_token_id": 2}
    return BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=VISION, projection_dim=16))


def blip2() -> PreTrainedModel:
    text = {**SPECIAL, "model_type": "opt", "vocab_size": len(WORDS), "hidden_size": 32, "word_embed_proj_dim": 32}
    text |= {"num_hidden_layers": 1, "num_attention_heads": 2, "ffn_dim": 48}
    query = {**LAYERS, "vocab_size": 20, "encoder_hidden_size": 32}
    parts = {"vision_config": VISION, "qformer_config": query, "text_config": text}
    return Blip2ForConditionalGeneration(Blip2Config(**parts, num_query_tokens=4, image_token_index=4))


def tokenizer() -> PreTrainedTokenizerFast:
    words = Tokenizer(WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.add_special_tokens([AddedToken("<image>", special=True)])
    return PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )


@pytest.fixture(scope="session", params=[blip, blip2])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint."""
    build: Callable[[], PreTrainedModel] = request.param
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("captioner") / f"tiny-{build.__name__}"
    build().save_pretrained(path)
    BlipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(path)
    tokenizer().save_pretrained(path)
    return path


def open_on_cpu(folder: Path, batch_size: int = 2) -> LazyCaptioner:
    return open_captioner(str(folder), None, Placement("cpu", "fp32", batch_size))


def test_every_image_gets_a_sentence_of_known_words(folder: Path, images: list[RgbImage]) -> None:
    captions = open_on_cpu(folder).caption_images(images)
    assert len(captions) == len(images)
    assert {word for caption in captions for word in caption.split()} <= set(WORDS[5:])


def test_the_same_image_gets_the_same_sentence_whatever_is_beside_it(folder: Path, images: list[RgbImage]) -> None:
    alone = [open_on_cpu(folder).caption_images([image])[0] for image in images[:2]]
    assert open_on_cpu(folder, batch_size=8).caption_images(images)[:2] == alone


def test_no_images_get_no_sentences(folder: Path) -> None:
    assert open_on_cpu(folder).caption_images([]) == []


def test_a_captioner_is_described_before_it_is_loaded(folder: Path) -> None:
    description = open_on_cpu(folder).description
    assert description.name == folder.name
    assert len(description.revision) == 16


def test_a_captioner_that_is_not_there_says_what_the_setting_takes(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="IMAGE_ASSETS_CAPTIONER takes") as caught:
        open_on_cpu(tmp_path)
    assert "IMAGE_ASSETS_ENCODER" not in str(caught.value)


def test_damaged_weights_are_told_when_they_are_loaded(folder: Path, tmp_path: Path, images: list[RgbImage]) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes()[: 999 if file.suffix == ".safetensors" else None])
    with pytest.raises(ModelError, match="cannot be loaded"):
        open_on_cpu(tmp_path).caption_images(images)


def test_a_checkpoint_of_another_family_is_refused(
    make_checkpoint: Callable[[str], Path], images: list[RgbImage]
) -> None:
    with pytest.raises(ModelError, match="clip"):
        open_on_cpu(make_checkpoint("clip")).caption_images(images)


def test_missing_weights_are_not_made_up(folder: Path, tmp_path: Path, images: list[RgbImage]) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    config["vision_config"]["num_hidden_layers"] = 2
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"lacks .* of its weights"):
        open_on_cpu(tmp_path).caption_images(images)
