"""EfficientNet-Lite (Tan & Le 2019; Google 2020) as an image tower that transformers loads."""

from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPooling

_STEM_CHANNELS: Final = 32
_HIDDEN_SIZE: Final = 1280


class _Stage(NamedTuple):
    """Blocks of equal output; the first of them has the stride."""

    expansion: int
    kernel: int
    stride: int
    channels: int
    depth: int


_STAGES: Final = (
    _Stage(1, 3, 1, 16, 1),
    _Stage(6, 3, 2, 24, 2),
    _Stage(6, 5, 2, 40, 2),
    _Stage(6, 3, 2, 80, 3),
    _Stage(6, 5, 1, 112, 3),
    _Stage(6, 5, 2, 192, 4),
    _Stage(6, 3, 1, 320, 1),
)
"""Of Lite0."""


class EfficientNetLiteConfig(PretrainedConfig):
    """The shape of the tower.

    Attributes:
        widths: channels of each of the seven stages.
        depths: blocks of each.
        hidden_size: numbers per picture.
        is_folded: whether batch normalisation is part of the convolutions: faster, and not to be trained.
        skip_rate: share of the pictures that go past the last block in training; past earlier ones go fewer.
    """

    model_type = "efficientnet_lite"

    widths: list[int] | tuple[int, ...] = tuple(stage.channels for stage in _STAGES)
    depths: list[int] | tuple[int, ...] = tuple(stage.depth for stage in _STAGES)
    hidden_size: int = _HIDDEN_SIZE
    is_folded: bool = False
    skip_rate: float = 0.0


def _convolution(
    inputs: int, outputs: int, is_folded: bool, kernel: int = 1, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=is_folded)
    return [layer] if is_folded else [layer, nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01)]


class _Block(nn.Sequential):
    """Widen, filter each channel, narrow: an inverted bottleneck."""

    def __init__(self, inputs: int, stage: _Stage, is_first: bool, is_folded: bool, skip_rate: float) -> None:
        width, stride = inputs * stage.expansion, stage.stride if is_first else 1
        widen = [*_convolution(inputs, width, is_folded), nn.ReLU6(inplace=True)] if stage.expansion > 1 else []
        super().__init__(
            *widen,
            *_convolution(width, width, is_folded, stage.kernel, stride, width),
            nn.ReLU6(inplace=True),
            *_convolution(width, stage.channels, is_folded),
        )
        self._is_residual = stride == 1 and inputs == stage.channels
        self._skip_rate = skip_rate

    def forward(self, images: Tensor) -> Tensor:
        changed: Tensor = super().forward(images)  # type: ignore[no-untyped-call]
        if not self._is_residual:
            return changed
        if self.training and self._skip_rate:
            kept = torch.rand(len(images), 1, 1, 1, device=images.device) >= self._skip_rate
            changed = changed * kept.to(changed.dtype) / (1 - self._skip_rate)
        return images + changed


class EfficientNetLiteModel(PreTrainedModel):
    """Pictures, batch x 3 x rows x columns in -1..1, to `hidden_size` numbers each."""

    config_class = EfficientNetLiteConfig
    base_model_prefix = "efficientnet_lite"
    main_input_name = "pixel_values"

    def __init__(self, config: EfficientNetLiteConfig) -> None:
        super().__init__(config)
        folded = config.is_folded
        self.stem = nn.Sequential(*_convolution(3, _STEM_CHANNELS, folded, 3, 2), nn.ReLU6(inplace=True))
        self.blocks = nn.Sequential(*_blocks(config))
        self.head = nn.Sequential(*_convolution(config.widths[-1], config.hidden_size, folded), nn.ReLU6(inplace=True))
        self.norm = nn.BatchNorm1d(config.hidden_size, eps=1e-3)
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(self, pixel_values: Tensor, **_unused: Any) -> BaseModelOutputWithPooling:
        """The last feature map and its mean over the picture, less what all pictures have in common."""
        features = self.head(self.blocks(self.stem(pixel_values)))
        pooled = self.norm(features.mean(dim=(2, 3)))
        return BaseModelOutputWithPooling(last_hidden_state=features, pooler_output=pooled)


def _blocks(config: EfficientNetLiteConfig) -> list[_Block]:
    inputs = _STEM_CHANNELS
    blocks: list[_Block] = []
    for usual, channels, depth in zip(_STAGES, config.widths, config.depths, strict=True):
        stage = usual._replace(channels=channels, depth=depth)
        for index in range(depth):
            rate = config.skip_rate * len(blocks) / sum(config.depths)
            blocks.append(_Block(inputs, stage, index == 0, config.is_folded, rate))
            inputs = channels
    return blocks


def register() -> None:
    """Makes the tower known to `AutoConfig` and `AutoModel`, which then build it wherever a checkpoint names it."""
    AutoConfig.register(EfficientNetLiteConfig.model_type, EfficientNetLiteConfig, exist_ok=True)
    AutoModel.register(EfficientNetLiteConfig, EfficientNetLiteModel, exist_ok=True)
