"""Random variations of a training batch, computed on tensors."""

import math

import torch
from torch import Tensor
from torch.nn import functional


def vary(pixels: Tensor, size_px: int, least_area: float) -> Tensor:
    """A random crop, turn, mirror image, light and patch of each image.

    Args:
        pixels: uint8, batch x 3 x rows x columns.
        size_px: side of the square result.
        least_area: share of the picture, 0..1, that is left of it at least.

    Returns:
        float32 in 0..1, batch x 3 x size_px x size_px.
    """
    images = _crop(pixels.float().div(255), size_px, least_area)
    return _erase(_relight(images)).clamp(0, 1)


def _crop(images: Tensor, size_px: int, least_area: float) -> Tensor:
    """Aspect 3:4 to 4:3, turned up to 15 degrees, mirrored half of the time."""
    count = len(images)
    side = torch.empty(count).uniform_(least_area, 1).sqrt()
    aspect = torch.empty(count).uniform_(-math.log(4 / 3), math.log(4 / 3)).exp().sqrt()
    width, height = (side * aspect).clamp(max=1), (side / aspect).clamp(max=1)
    mirrored = torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    angle = torch.empty(count).uniform_(-math.pi / 12, math.pi / 12)
    shift_x = (1 - width) * torch.empty(count).uniform_(-1, 1)
    shift_y = (1 - height) * torch.empty(count).uniform_(-1, 1)
    rows = [width * angle.cos() * mirrored, -height * angle.sin(), shift_x]
    columns = [width * angle.sin() * mirrored, height * angle.cos(), shift_y]
    transform = torch.stack([torch.stack(rows, 1), torch.stack(columns, 1)], 1)
    grid = functional.affine_grid(transform, [count, 3, size_px, size_px], align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def _relight(images: Tensor) -> Tensor:
    """Brightness, contrast and white balance, little enough that colour words stay true."""
    shape = (len(images), 1, 1, 1)
    brightness = torch.empty(shape).uniform_(0.75, 1.25)
    contrast = torch.empty(shape).uniform_(0.75, 1.25)
    balance = torch.empty(len(images), 3, 1, 1).uniform_(0.95, 1.05)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return ((images - mean) * contrast + mean) * brightness * balance


def _erase(images: Tensor) -> Tensor:
    """In a quarter of the images one rectangle, at most 30 % of each side, becomes its mean colour."""
    size = images.shape[-1]
    centre = torch.rand(len(images), 2) * size
    half = torch.empty(len(images), 2).uniform_(0.05, 0.15) * size
    half[torch.rand(len(images)) > 0.25] = 0
    positions = torch.arange(size)
    inside = (positions - centre[..., None]).abs() < half[..., None]
    patch = (inside[:, 0, :, None] & inside[:, 1, None, :])[:, None]
    return torch.where(patch, images.mean(dim=(2, 3), keepdim=True), images)


def blend(images: Tensor) -> tuple[Tensor, Tensor, float]:
    """Half of the time CutMix, else mixup (Yun et al. 2019; Zhang et al. 2018).

    Returns:
        the blended images, the partner of each, and the weight of the image itself.
    """
    partner = torch.randperm(len(images))
    if torch.rand(()) < 0.5:
        weight = float(torch.distributions.Beta(0.4, 0.4).sample())
        return images * weight + images[partner] * (1 - weight), partner, weight
    return _cut_and_paste(images, partner)


def _cut_and_paste(images: Tensor, partner: Tensor) -> tuple[Tensor, Tensor, float]:
    size = images.shape[-1]
    side = int(size * math.sqrt(torch.rand(()).item()))
    top, left = (int(torch.randint(0, size - side + 1, ())) for _ in range(2))
    blended = images.clone()
    blended[:, :, top : top + side, left : left + side] = images[partner, :, top : top + side, left : left + side]
    return blended, partner, 1 - (side / size) ** 2
