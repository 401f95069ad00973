"""Tiny checkpoints with random weights, of the real architectures and in the hub's format."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import WordLevel
from tokenizers.processors import TemplateProcessing
from transformers import (
    BertConfig,
    CLIPConfig,
    CLIPModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipModel,
    VisionTextDualEncoderConfig,
    VisionTextDualEncoderModel,
    ViTConfig,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from image_assets.imaging.pixels import RgbImage

WORDS = ("<pad>", "<s>", "</s>", "<unk>", "a", "photo", "of", "red", "blue", "shoes", "dress")
TEXT_LENGTH = 12

_VISION: dict[str, Any] = {"image_size": 32, "patch_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
_TEXT: dict[str, Any] = {"vocab_size": len(WORDS), "num_hidden_layers": 1, "num_attention_heads": 2, "pad_token_id": 0}
_WIDTHS: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 48}
_SQUARE = {"height": 32, "width": 32}


def _tokenizer(model_inputs: list[str]) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        model_max_length=TEXT_LENGTH,
        model_input_names=model_inputs,
    )


def _clip() -> CLIPModel:
    text = {**_TEXT, **_WIDTHS, "max_position_embeddings": TEXT_LENGTH, "bos_token_id": 1, "eos_token_id": 2}
    return CLIPModel(CLIPConfig(text_config=text, vision_config={**_VISION, **_WIDTHS}, projection_dim=16))


def _siglip() -> SiglipModel:
    text = {**_TEXT, **_WIDTHS, "max_position_embeddings": TEXT_LENGTH, "projection_size": 32}
    return SiglipModel(SiglipConfig(text_config=text, vision_config={**_VISION, **_WIDTHS}))


def _dual() -> VisionTextDualEncoderModel:
    text = BertConfig(**_TEXT, **_WIDTHS, max_position_embeddings=TEXT_LENGTH)
    config = VisionTextDualEncoderConfig(
        vision_config=ViTConfig(**_VISION, **_WIDTHS).to_dict(), text_config=text.to_dict(), projection_dim=16
    )
    return VisionTextDualEncoderModel(config)


_FAMILIES: dict[str, tuple[Callable[[], PreTrainedModel], Any, list[str]]] = {
    "clip": (
        _clip,
        CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=_SQUARE),
        ["input_ids", "attention_mask"],
    ),
    "siglip": (_siglip, SiglipImageProcessorPil(size=_SQUARE), ["input_ids"]),
    "dual": (
        _dual,
        ViTImageProcessorPil(size=_SQUARE),
        ["input_ids", "token_type_ids", "attention_mask"],
    ),
}


@pytest.fixture(scope="session")
def make_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Saves a new folder with a tiny checkpoint of a family: clip, siglip or dual."""

    def make(family: str) -> Path:
        folder = tmp_path_factory.mktemp(family) / f"tiny-{family}"
        build, processor, inputs = _FAMILIES[family]
        torch.manual_seed(0)
        build().save_pretrained(folder)
        processor.save_pretrained(folder)
        _tokenizer(inputs).save_pretrained(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def clip_folder(make_checkpoint: Callable[[str], Path]) -> Path:
    return make_checkpoint("clip")


@pytest.fixture(scope="session", params=sorted(_FAMILIES))
def any_folder(request: pytest.FixtureRequest, make_checkpoint: Callable[[str], Path]) -> Path:
    return make_checkpoint(request.param)


@pytest.fixture
def images() -> list[RgbImage]:
    """Seven noisy pictures of different shapes, one of them grey."""
    source = np.random.default_rng(1)
    shapes = [(40, 50), (64, 32), (33, 97), (32, 32), (7, 5), (120, 90)]
    grey: npt.NDArray[np.uint8] = source.integers(0, 255, (45, 45, 1), dtype=np.uint8).repeat(3, axis=2)
    return [*(source.integers(0, 255, (*shape, 3), dtype=np.uint8) for shape in shapes), grey]
