"""From pixels of any size to the square that a checkpoint expects, by the rules stored in the checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers.image_processing_utils import BaseImageProcessor

from image_assets.models.encoder import RgbImage

_UNDERSTOOD_STEPS = frozenset({"do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb"})


@dataclass(frozen=True, slots=True)
class ImageRules:
    """Resize, crop, rescale and normalise, as transformers' Pillow processors do them.

    Attributes:
        shortest_side_px: target of the shorter side, keeping the aspect; None stretches to the final size.
        height_px: of the result.
        width_px: of the result.
        filter: Pillow's resampling filter.
        scale: factor from 0..255 to the range that mean and std are given in.
        mean: per channel.
        std: per channel.
    """

    shortest_side_px: int | None
    height_px: int
    width_px: int
    filter: Image.Resampling
    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def prepare(self, images: Sequence[RgbImage]) -> Tensor:
        """float32, images x 3 x rows x columns."""
        squares = torch.from_numpy(np.stack([self._fit(image) for image in images]))
        mean = torch.tensor(self.mean).view(1, -1, 1, 1)
        std = torch.tensor(self.std).view(1, -1, 1, 1)
        return (squares.permute(0, 3, 1, 2).float() * self.scale - mean) / std

    def _fit(self, image: RgbImage) -> RgbImage:
        height, width = image.shape[:2]
        target = self._resized_size(height, width)
        picture = Image.fromarray(image)
        if target != (height, width):
            picture = picture.resize((target[1], target[0]), self.filter)
        top, left = (target[0] - self.height_px) // 2, (target[1] - self.width_px) // 2
        return np.asarray(picture)[top : top + self.height_px, left : left + self.width_px]

    def _resized_size(self, height: int, width: int) -> tuple[int, int]:
        if self.shortest_side_px is None:
            return self.height_px, self.width_px
        longest = int(self.shortest_side_px * max(height, width) / min(height, width))
        return (self.shortest_side_px, longest) if height <= width else (longest, self.shortest_side_px)


@dataclass(frozen=True, slots=True)
class ProcessorRules:
    """Whatever the checkpoint's own processor does: slower, for steps that `ImageRules` does not know."""

    processor: BaseImageProcessor
    height_px: int
    width_px: int

    def prepare(self, images: Sequence[RgbImage]) -> Tensor:
        """float32, images x 3 x rows x columns."""
        prepared = self.processor(images=list(images), return_tensors="pt", input_data_format="channels_last")
        pixels: Tensor = prepared["pixel_values"]
        return pixels


def read_image_rules(processor: BaseImageProcessor) -> ImageRules | ProcessorRules:
    """The fast rules where they say the same as the processor, else the processor itself."""
    settings = processor.to_dict()
    resized, cropped = settings.get("size") or {}, _crop_of(settings)
    shortest = resized.get("shortest_edge")
    final = cropped or {**resized, **({"height": shortest, "width": shortest} if shortest else {})}
    height, width = int(final.get("height", 0)), int(final.get("width", 0))
    if not _is_understood(settings, shortest, cropped):
        return ProcessorRules(processor, height, width)
    return ImageRules(
        shortest_side_px=shortest,
        height_px=height,
        width_px=width,
        filter=Image.Resampling(settings["resample"]),
        scale=settings["rescale_factor"],
        mean=tuple(settings["image_mean"]) if settings["do_normalize"] else (0.0,) * 3,
        std=tuple(settings["image_std"]) if settings["do_normalize"] else (1.0,) * 3,
    )


def _crop_of(settings: dict[str, Any]) -> dict[str, int]:
    return settings.get("crop_size") or {} if settings.get("do_center_crop") else {}


def _is_understood(settings: dict[str, Any], shortest: int | None, cropped: dict[str, int]) -> bool:
    """True where the result has one size for every image and no step is unknown."""
    steps = {name for name, value in settings.items() if name.startswith("do_") and value}
    if not steps <= _UNDERSTOOD_STEPS or not {"do_resize", "do_rescale"} <= steps:
        return False
    if shortest is None:
        stretched = {"height", "width"} <= (settings.get("size") or {}).keys()
        return stretched and (not cropped or cropped == settings["size"])
    return bool(cropped) and max(cropped.values()) <= shortest
