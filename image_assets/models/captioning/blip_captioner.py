"""BLIP and BLIP-2 from transformers, behind our `Captioner`."""

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor
from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer, PreTrainedTokenizerBase
from transformers.utils.logging import disable_progress_bar

from image_assets.errors import ModelError
from image_assets.imaging.pixels import RgbImage
from image_assets.models.captioning.captioner import CaptionerDescription
from image_assets.models.encoders.checkpoints import Checkpoint
from image_assets.models.encoders.device_batches import DeviceBatches, send_images
from image_assets.models.encoders.devices import choose_placement, dtype_of
from image_assets.models.encoders.encoder import Placement, PreparedImage
from image_assets.models.encoders.encoder_loading import load_part
from image_assets.models.encoders.image_preparation import read_image_rules
from image_assets.models.encoders.transformers_encoder import ImagePreparation

CAPTION_TOKENS: Final = 32
"""Longest caption; BLIP was trained on COCO's sentences of about a dozen words."""

_FAMILY: Final = ("blip", "blip-2")


def load_captioner(checkpoint: Checkpoint, placement: Placement) -> "BlipCaptioner":
    """Loads a checkpoint onto the device.

    Raises:
        ModelError: corrupt, incomplete, or no BLIP.
        ConfigurationError: no such device or precision.
    """
    chosen = choose_placement(placement)
    disable_progress_bar()
    model, report = load_part(
        AutoModelForImageTextToText.from_pretrained,
        checkpoint,
        dtype=dtype_of(chosen.precision),
        output_loading_info=True,
    )
    if model.config.model_type not in _FAMILY:
        raise ModelError(f"{checkpoint.source} is a {model.config.model_type}: captions need BLIP or BLIP-2")
    if report["missing_keys"]:
        raise ModelError(
            f"{checkpoint.source} lacks {len(report['missing_keys'])} of its weights, "
            f"such as {min(report['missing_keys'])}"
        )
    tokenizer = load_part(AutoTokenizer.from_pretrained, checkpoint)
    preparation = read_image_rules(load_part(AutoImageProcessor.from_pretrained, checkpoint, backend="pil"))
    return BlipCaptioner(model, tokenizer, preparation, checkpoint, chosen)


class BlipCaptioner:
    """A `Captioner` that takes the likeliest word at each place: the same caption each time."""

    def __init__(
        self,
        model: Any,
        tokenizer: PreTrainedTokenizerBase,
        preparation: ImagePreparation,
        checkpoint: Checkpoint,
        placement: Placement,
    ) -> None:
        """Moves the model to its place; every part of the placement must be chosen."""
        self.description = CaptionerDescription(checkpoint.name, checkpoint.revision)
        self._device = torch.device(placement.device)
        self._model = model.to(self._device).eval()
        self._tokenizer = tokenizer
        self._preparation = preparation
        self._batches = DeviceBatches(checkpoint.name, self._device, placement.batch_size or 1)

    def caption_images(self, images: Sequence[RgbImage]) -> list[str]:
        """One sentence per image, in order; `ModelError` when memory does not suffice for one image."""
        sentences = self._batches.run(map(self._preparation.prepare, images), self._generate)
        return [" ".join(str(self._tokenizer.decode(tokens, skip_special_tokens=True)).split()) for tokens in sentences]

    def _generate(self, images: Sequence[PreparedImage]) -> Tensor:
        pixels = self._preparation.normalise(send_images(images, self._device), self._model.dtype)
        generated: Tensor = self._model.generate(pixel_values=pixels, max_new_tokens=CAPTION_TOKENS, do_sample=False)
        return generated
