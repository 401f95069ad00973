"""The catalogue against the architectures themselves, built without memory: their parameters prove that it is they."""

from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import torch
from safetensors import safe_open
from transformers import CLIPConfig, CLIPModel, PretrainedConfig, SiglipConfig, SiglipModel

from image_assets.models.encoders.catalogue import CATALOGUE, REFERENCE
from image_assets.models.encoders.checkpoints import BUILTIN, BUILTIN_SMALL, locate_checkpoint
from image_assets.models.encoders.encoder import Placement
from image_assets.models.encoders.lazy_encoder import open_encoder

Facts = tuple[int, int, int]


def clip_large(side_px: int) -> CLIPConfig:
    text = {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}
    vision = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16}
    return CLIPConfig(
        text_config=text, vision_config={**vision, "patch_size": 14, "image_size": side_px}, projection_dim=768
    )


def siglip_so400m() -> SiglipConfig:
    """Shape-optimised: Alabdulmohsin et al. 2023."""
    tower: dict[str, Any] = {
        "hidden_size": 1152,
        "intermediate_size": 4304,
        "num_hidden_layers": 27,
        "num_attention_heads": 16,
    }
    return SiglipConfig(text_config=tower, vision_config={**tower, "patch_size": 14, "image_size": 384})


# What transformers builds by default is the first published checkpoint of each family.
ARCHITECTURES: dict[str, PretrainedConfig] = {
    "openai/clip-vit-base-patch32": CLIPConfig(),
    REFERENCE: clip_large(224),
    "openai/clip-vit-large-patch14-336": clip_large(336),
    "laion/CLIP-ViT-B-32-laion2B-s34B-b79K": CLIPConfig(),
    "patrickjohncyh/fashion-clip": CLIPConfig(),
    "google/siglip-base-patch16-224": SiglipConfig(),
    "google/siglip-so400m-patch14-384": siglip_so400m(),
}


def facts_of(config: PretrainedConfig) -> Facts:
    """Dimension of its vectors, side of its input in pixels, millions of parameters."""
    with torch.device("meta"):
        model = CLIPModel(config) if isinstance(config, CLIPConfig) else SiglipModel(config)
        pixels = torch.zeros(1, 3, config.vision_config.image_size, config.vision_config.image_size)
        vectors = model.get_image_features(pixel_values=pixels)
    dimension = getattr(vectors, "pooler_output", vectors).shape[-1]
    return dimension, config.vision_config.image_size, round(sum(each.numel() for each in model.parameters()) / 1e6)


def facts_of_shipped(name: str) -> Facts:
    described = open_encoder(name, None, Placement()).description
    with safe_open(locate_checkpoint(name, None).folder / "model.safetensors", "pt") as weights:
        parameters = sum(weights.get_tensor(name).numel() for name in weights.keys())  # noqa: SIM118 - no dictionary
    return described.dimension, described.input_size_px, round(parameters / 1e6)


def test_the_catalogue_says_what_the_architectures_have() -> None:
    shipped = {name: facts_of_shipped(name) for name in (BUILTIN, BUILTIN_SMALL)}
    found = {name: facts_of(config) for name, config in ARCHITECTURES.items()} | shipped
    assert {each.name: (each.dimension, each.input_size_px, each.parameters_m) for each in CATALOGUE} == found


def test_the_shipped_encoder_has_the_licence_that_the_catalogue_states() -> None:
    stated = {entry.name: entry.licence for entry in CATALOGUE}
    assert open_encoder(BUILTIN, None, Placement()).description.licence == stated[BUILTIN]


def test_only_what_was_downloaded_is_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    assert [entry.name for entry in CATALOGUE if entry.is_here] == [BUILTIN, BUILTIN_SMALL]
