"""The image tower of an encoder with a head on it, as one network: what a head on its vectors says, but trainable."""

from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModelForImageClassification, PreTrainedModel
from transformers.modeling_outputs import ImageClassifierOutput

from image_assets.models.classifiers.linear_classifier import LinearClassifier
from image_assets.models.encoders import efficientnet_lite
from image_assets.models.encoders.efficientnet_lite import EfficientNetLiteConfig, EfficientNetLiteModel

_IMPROBABLE: Final = -10.0
"""Least bias: what a head says of a label without an image would drown every other part of the loss."""


class EfficientNetLiteForImageClassification(PreTrainedModel):
    """Tower, projection into the space of texts, unit length, linear map.

    Its configuration is the tower's with `projection_dim`, numbers per vector.
    """

    config_class = EfficientNetLiteConfig
    base_model_prefix = "tower"
    main_input_name = "pixel_values"

    def __init__(self, config: EfficientNetLiteConfig) -> None:
        super().__init__(config)
        self.tower = EfficientNetLiteModel(config)
        self.projection = nn.Linear(config.hidden_size, config.projection_dim, bias=False)
        self.classifier = nn.Linear(config.projection_dim, len(config.id2label or {}))
        self.post_init()  # type: ignore[no-untyped-call]  # as transformers has it

    def forward(self, pixel_values: Tensor, **_unused: Any) -> ImageClassifierOutput:
        """Logits, pictures x labels."""
        vectors = functional.normalize(self.projection(self.tower(pixel_values).pooler_output), dim=1)
        return ImageClassifierOutput(logits=self.classifier(vectors))

    @torch.no_grad()
    def begin_as(self, head: LinearClassifier) -> None:
        """Say what a head on the tower's vectors says."""
        self.classifier.weight.copy_(torch.from_numpy(np.ascontiguousarray(head.weights.T)))
        self.classifier.bias.copy_(torch.from_numpy(head.biases).clamp(min=_IMPROBABLE))


def tower_of(encoder: Any, labels: int) -> EfficientNetLiteForImageClassification:
    """The image side of a dual encoder as transformers loads it; its last layer is random."""
    described = {**encoder.config.vision_config.to_dict(), "projection_dim": encoder.config.projection_dim}
    config = EfficientNetLiteConfig.from_dict(described)
    config.num_labels = labels
    network = EfficientNetLiteForImageClassification(config)
    network.tower.load_state_dict(encoder.vision_model.state_dict())
    network.projection.load_state_dict(encoder.visual_projection.state_dict())
    return network


def register() -> None:
    """Makes the network known to `AutoModelForImageClassification`, which then builds it wherever a file names it."""
    efficientnet_lite.register()
    AutoModelForImageClassification.register(
        EfficientNetLiteConfig, EfficientNetLiteForImageClassification, exist_ok=True
    )
