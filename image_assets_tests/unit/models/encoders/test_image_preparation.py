import numpy as np
import pytest
import torch
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.efficientnet.image_processing_pil_efficientnet import EfficientNetImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from image_assets.imaging.pixels import RgbImage
from image_assets.models.encoders.image_preparation import ImageRules, ProcessorRules, read_image_rules

PROCESSORS = {
    "clip": CLIPImageProcessorPil(),
    "clip with a smaller crop": CLIPImageProcessorPil(
        size={"shortest_edge": 40}, crop_size={"height": 32, "width": 36}
    ),
    "efficientnet": EfficientNetImageProcessorPil(size={"height": 48, "width": 32}, resample=2),
    "efficientnet of a range from -1": EfficientNetImageProcessorPil(
        size={"height": 48, "width": 32}, resample=2, rescale_factor=1 / 127.5, rescale_offset=True, include_top=False
    ),
    "siglip": SiglipImageProcessorPil(),
    "siglip by Lanczos": SiglipImageProcessorPil(resample=1),
    "vit without normalisation": ViTImageProcessorPil(size={"height": 48, "width": 32}, do_normalize=False),
}


def prepared(rules: ImageRules | ProcessorRules, images: list[RgbImage]) -> torch.Tensor:
    batch = np.stack([rules.prepare(image) for image in images])
    return rules.normalise(torch.from_numpy(batch), torch.float32)


@pytest.mark.parametrize("name", sorted(PROCESSORS))
def test_the_fast_rules_are_the_checkpoints_processor_but_for_a_level_here_and_there(
    name: str, images: list[RgbImage]
) -> None:
    processor = PROCESSORS[name]
    rules = read_image_rules(processor)
    assert isinstance(rules, ImageRules)
    expected = processor(images=images, return_tensors="np", input_data_format="channels_last")["pixel_values"]
    levels = np.abs(prepared(rules, images).numpy() - expected) / rules.scale * min(rules.std)
    assert levels.max() <= 2.01
    assert levels.mean() < 0.02


@pytest.mark.parametrize(
    "processor",
    [
        CLIPImageProcessorPil(size={"shortest_edge": 20}, crop_size={"height": 32, "width": 32}),
        CLIPImageProcessorPil(do_resize=False, size={"height": 32, "width": 32}, crop_size={"height": 32, "width": 32}),
    ],
    ids=["a crop that needs padding", "no resizing"],
)
def test_rules_that_are_not_understood_are_left_to_the_processor(
    processor: CLIPImageProcessorPil, images: list[RgbImage]
) -> None:
    rules = read_image_rules(processor)
    assert isinstance(rules, ProcessorRules)
    assert prepared(rules, images).shape == (len(images), 3, 32, 32)
