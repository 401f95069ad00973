"""From pixels of any size to the square that a checkpoint expects, by the rules stored in the checkpoint.

In two halves: `prepare` runs in threads, one image at a time; `normalise` runs on the device, for a batch.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from transformers.image_processing_utils import BaseImageProcessor

from image_assets.imaging.pixels import RgbImage
from image_assets.models.encoders.encoder import PreparedImage

_TORCH_MODES = {Image.Resampling.BILINEAR: "bilinear", Image.Resampling.BICUBIC: "bicubic"}
_UNDERSTOOD_STEPS = frozenset({"do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb"})


@dataclass(frozen=True, slots=True)
class ImageRules:
    """Resize, crop, rescale and normalise, as transformers' processors do them.

    Attributes:
        shortest_side_px: target of the shorter side, keeping the aspect; None stretches to the final size.
        height_px: of the result.
        width_px: of the result.
        filter: Pillow's name of the resampling filter.
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

    def prepare(self, image: RgbImage) -> PreparedImage:
        """uint8, rows x columns x 3: resized and cropped; a quarter of what it would be normalised."""
        height, width = image.shape[:2]
        target = self._resized_size(height, width)
        resized = image if target == (height, width) else _resized(image, target, self.filter)
        top, left = (target[0] - self.height_px) // 2, (target[1] - self.width_px) // 2
        return resized[top : top + self.height_px, left : left + self.width_px]

    def normalise(self, batch: Tensor, dtype: torch.dtype) -> Tensor:
        """images x 3 x rows x columns, in the layout that convolutions are fastest with: channels last."""
        mean, std = _per_channel(self.mean, batch.device), _per_channel(self.std, batch.device)
        pixels = batch.permute(0, 3, 1, 2).float()
        return pixels.mul_(self.scale).sub_(mean).div_(std).to(dtype)

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

    def prepare(self, image: RgbImage) -> PreparedImage:
        """float32, 3 x rows x columns: all of it."""
        prepared = self.processor(images=[image], return_tensors="np", input_data_format="channels_last")
        pixels: PreparedImage = prepared["pixel_values"][0]
        return pixels

    def normalise(self, batch: Tensor, dtype: torch.dtype) -> Tensor:
        """images x 3 x rows x columns, in another number format."""
        return batch.to(dtype)


def _resized(image: RgbImage, size: tuple[int, int], filter_: Image.Resampling) -> RgbImage:
    """Rows and columns as asked for; torch does in a quarter of the time what Pillow does, a level up or down."""
    if filter_ not in _TORCH_MODES:
        return np.asarray(Image.fromarray(image).resize((size[1], size[0]), filter_))
    # Torch wants an array that may be written to, though it does not.
    planes = torch.from_numpy(np.require(image, requirements=["C", "W"])).permute(2, 0, 1)
    small = functional.interpolate(planes[None], size, mode=_TORCH_MODES[filter_], antialias=True)
    resized: RgbImage = small[0].permute(1, 2, 0).numpy()
    return resized


@cache
def _per_channel(values: tuple[float, ...], device: torch.device) -> Tensor:
    # Made once: a copy from ordinary memory would have the host wait for the device.
    return torch.tensor(values, device=device).view(1, -1, 1, 1)


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
        mean=_mean_of(settings),
        std=_std_of(settings),
    )


def _mean_of(settings: dict[str, Any]) -> tuple[float, ...]:
    """EfficientNet and ALIGN may move the range by one before they normalise."""
    offset = 1.0 if settings.get("rescale_offset") else 0.0
    return tuple(offset + mean for mean in (settings["image_mean"] if settings["do_normalize"] else (0.0,) * 3))


def _std_of(settings: dict[str, Any]) -> tuple[float, ...]:
    """EfficientNet may divide twice."""
    times = bool(settings["do_normalize"]) + bool(settings.get("include_top"))
    return tuple(std**times for std in settings["image_std"]) if times else (1.0,) * 3


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
