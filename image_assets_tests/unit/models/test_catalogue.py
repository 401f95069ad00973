import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import torch
from transformers import CLIPConfig, CLIPModel, PreTrainedModel, SiglipConfig, SiglipModel

from image_assets.imaging.pixels import RgbImage
from image_assets.models.catalogue import CATALOGUE, REFERENCE, CatalogueEntry
from image_assets.models.checkpoints import BUILTIN
from image_assets.models.encoder import Placement
from image_assets.models.lazy_encoder import open_encoder

CLIP_RULES = {"do_resize": True, "do_center_crop": True, "do_normalize": True, "resample": 3}
"""As OpenAI's own file has them, sides as bare numbers; mean and deviation left to the default."""

NARROW: dict[str, Any] = {"num_hidden_layers": 1, "hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 2}
TEXT: dict[str, Any] = {"vocab_size": 11, "max_position_embeddings": 12, "pad_token_id": 0}


def clip(dimension: int, patch_px: int, side_px: int) -> tuple[PreTrainedModel, dict[str, object]]:
    vision = {**NARROW, "patch_size": patch_px, "image_size": side_px}
    text = {**NARROW, **TEXT, "bos_token_id": 1, "eos_token_id": 2}
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=dimension))
    return model, {**CLIP_RULES, "size": side_px, "crop_size": side_px}


def siglip(width: int, patch_px: int, side_px: int) -> tuple[PreTrainedModel, dict[str, object]]:
    """Its vectors are as wide as its towers."""
    one_layer = {**NARROW, "hidden_size": width}
    vision = {**one_layer, "patch_size": patch_px, "image_size": side_px}
    model = SiglipModel(SiglipConfig(text_config={**one_layer, **TEXT}, vision_config=vision))
    return model, {"do_resize": True, "resample": 3, "size": {"height": side_px, "width": side_px}}


PUBLISHED: dict[str, Callable[[], tuple[PreTrainedModel, dict[str, object]]]] = {
    "openai/clip-vit-base-patch32": lambda: clip(512, 32, 224),
    REFERENCE: lambda: clip(768, 14, 224),
    "openai/clip-vit-large-patch14-336": lambda: clip(768, 14, 336),
    "laion/CLIP-ViT-B-32-laion2B-s34B-b79K": lambda: clip(512, 32, 224),
    "patrickjohncyh/fashion-clip": lambda: clip(512, 32, 224),
    "google/siglip-base-patch16-224": lambda: siglip(768, 16, 224),
    "google/siglip-so400m-patch14-384": lambda: siglip(1152, 14, 384),
}
"""The published configurations, with one narrow layer where the published models have many wide ones."""


@pytest.fixture
def like_published(make_checkpoint: Callable[[str], Path]) -> Callable[[str], Path]:
    """A checkpoint with random weights in the shape of a published one."""

    def make(name: str) -> Path:
        folder = make_checkpoint("siglip" if "siglip" in name else "clip")
        torch.manual_seed(0)
        model, rules = PUBLISHED[name]()
        model.save_pretrained(folder)
        (folder / "processor_config.json").unlink(missing_ok=True)
        kind = "SiglipImageProcessor" if "siglip" in name else "CLIPImageProcessor"
        (folder / "preprocessor_config.json").write_text(json.dumps({"image_processor_type": kind, **rules}))
        return folder

    return make


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_the_catalogue_says_what_the_loaded_encoder_does(
    entry: CatalogueEntry, like_published: Callable[[str], Path], images: list[RgbImage]
) -> None:
    name = BUILTIN if entry.name == BUILTIN else str(like_published(entry.name))
    encoder = open_encoder(name, None, Placement("cpu", "fp32"))
    assert encoder.encode_images(images[:1]).shape == (1, entry.dimension)
    assert encoder.prepare_image(images[0]).shape[:2] == (entry.input_size_px, entry.input_size_px)
    described = encoder.description
    assert (described.dimension, described.input_size_px) == (entry.dimension, entry.input_size_px)


def test_the_shipped_encoder_has_the_licence_that_the_catalogue_states() -> None:
    stated = {entry.name: entry.licence for entry in CATALOGUE}
    assert open_encoder(BUILTIN, None, Placement()).description.licence == stated[BUILTIN]


def test_only_what_was_downloaded_is_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    assert [entry.name for entry in CATALOGUE if entry.is_here] == [BUILTIN]
