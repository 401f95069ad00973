"""Random variations of the pictures of a batch, computed on tensors: the same ones on every device."""

import math
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

_LEAST_AREA: Final = 0.5
_WIDEST: Final = 4 / 3
_MOST_TURN: Final = math.pi / 18
_LIGHT: Final = 0.2
_BALANCE: Final = 0.05


def vary(squares: Tensor, rows_px: int, columns_px: int) -> Tensor:
    """A random crop, turn, mirror image and light of each picture, little enough that it shows the same thing.

    Args:
        squares: uint8, pictures x rows x columns x 3.
        rows_px: of the result.
        columns_px: of the result.

    Returns:
        float32 in 0..255, pictures x rows_px x columns_px x 3.
    """
    pictures = squares.permute(0, 3, 1, 2).float()
    grid = functional.affine_grid(_crops(len(squares)), [len(squares), 3, rows_px, columns_px], align_corners=False)
    cropped = functional.grid_sample(pictures, grid.to(pictures.device), padding_mode="reflection", align_corners=False)
    return _relit(cropped).clamp_(0, 255).permute(0, 2, 3, 1)


def _crops(count: int) -> Tensor:
    """Where each corner comes from: at least half of the area, turned up to ten degrees, half of them mirrored."""
    side = _uniform(count, _LEAST_AREA, 1).sqrt()
    aspect = _uniform(count, -math.log(_WIDEST), math.log(_WIDEST)).exp().sqrt()
    width, height = (side * aspect).clamp(max=1), (side / aspect).clamp(max=1)
    mirrored = torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    angle = _uniform(count, -_MOST_TURN, _MOST_TURN)
    across = [width * angle.cos() * mirrored, -height * angle.sin(), (1 - width) * _uniform(count, -1, 1)]
    down = [width * angle.sin() * mirrored, height * angle.cos(), (1 - height) * _uniform(count, -1, 1)]
    return torch.stack([torch.stack(across, 1), torch.stack(down, 1)], 1)


def _relit(pictures: Tensor) -> Tensor:
    """Contrast, brightness and white balance."""
    count, device = len(pictures), pictures.device
    brightness, contrast = (_uniform((count, 1, 1, 1), 1 - _LIGHT, 1 + _LIGHT).to(device) for _ in range(2))
    balance = _uniform((count, 3, 1, 1), 1 - _BALANCE, 1 + _BALANCE).to(device)
    mean = pictures.mean(dim=(1, 2, 3), keepdim=True)
    return ((pictures - mean) * contrast + mean) * (brightness * balance)


def _uniform(shape: int | tuple[int, ...], low: float, high: float) -> Tensor:
    return torch.empty(shape).uniform_(low, high)
