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
    return CLIPModel(CLIPConfig(text.to_dict(), vision.to_dict(), projection_dim=768))


def siglip_b16() -> PreTrainedModel:
    """SigLIP B/16, the defaults of transformers."""
    return SiglipModel(SiglipConfig())


MADE: dict[str, Callable[[], PreTrainedModel]] = {"b32": clip_b32, "l14": clip_l14, "siglip": siglip_b16}


def make_checkpoint(name: str, folder: Path) -> Path:
    """Saves one of `MADE` in the hub's format; its tokenizer is the shipped one."""
    made = folder / name
    torch.manual_seed(0)
    model = MADE[name]()
    model.save_pretrained(made)
    processor = SiglipImageProcessorPil() if isinstance(model, SiglipModel) else CLIPImageProcessorPil()
    processor.save_pretrained(made)
    AutoTokenizer.from_pretrained(BUILTIN_FOLDER).save_pretrained(made)
    return made
