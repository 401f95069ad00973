"""Checkpoints of the published sizes with random weights, for measuring where nothing can be downloaded."""

from collections.abc import Callable
from pathlib import Path

import torch
from transformers import (
    AutoTokenizer,
    CLIPConfig,
    CLIPModel,
    CLIPTextConfig,
    CLIPVisionConfig,
    PreTrainedModel,
    SiglipConfig,
    SiglipModel,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from image_assets.models.encoders.checkpoints import BUILTIN_FOLDER


def clip_b32() -> PreTrainedModel:
    """ViT-B/32, the defaults of transformers."""
    return CLIPModel(CLIPConfig())


def clip_l14() -> PreTrainedModel:
    """ViT-L/14, as openai/clip-vit-large-patch14."""
    wide = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16}
    vision = CLIPVisionConfig(**wide, patch_size=14, projection_dim=768)
    text = CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_attention_heads=12, projection_dim=768)
    return CLIPModel(CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=768))


def clip_tiny() -> PreTrainedModel:
    """The same architecture, so small that everything but its passes takes the time."""
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision = {**small, "image_size": 64, "patch_size": 16}
    return CLIPModel(CLIPConfig(text_config=small, vision_config=vision, projection_dim=32))


def siglip_b16() -> PreTrainedModel:
    """SigLIP B/16, the defaults of transformers."""
    return SiglipModel(SiglipConfig())


MADE: dict[str, Callable[[], PreTrainedModel]] = {
    "b32": clip_b32,
    "l14": clip_l14,
    "siglip": siglip_b16,
    "tiny": clip_tiny,
}


def make_checkpoint(name: str, folder: Path) -> Path:
    """Saves one of `MADE` in the hub's format; its tokenizer is the shipped one."""
    made = folder / name
    torch.manual_seed(0)
    model = MADE[name]()
    model.save_pretrained(made)
    side = model.config.vision_config.image_size
    square = {"height": side, "width": side}
    clip = CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size=square)
    processor = SiglipImageProcessorPil(size=square) if isinstance(model, SiglipModel) else clip
    processor.save_pretrained(made)
    AutoTokenizer.from_pretrained(BUILTIN_FOLDER).save_pretrained(made)
    return made
