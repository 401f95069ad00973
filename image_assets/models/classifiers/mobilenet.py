"""A fine-tuned MobileNetV2 (Sandler et al. 2018) that reads pixels."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar, Final, Self

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load, save
from scipy.special import softmax
from torch import Tensor
from transformers import MobileNetV2Config, MobileNetV2ForImageClassification

from image_assets.errors import ModelError
from image_assets.models.classifiers.classifier import ClassifierInput, Probabilities, Reads
from image_assets.models.encoders.devices import choose_device
from image_assets.models.encoders.image_preparation import ImageRules

NETWORK_FILE: Final = "network.safetensors"
FACTS_FILE: Final = "network.json"
_BATCH: Final = 64


class MobileNetClassifier:
    """Softmax of the network's logits over a temperature.

    Attributes:
        labels: one per output of the network.
    """

    reads: ClassVar[Reads] = Reads.PIXELS

    def __init__(
        self, labels: tuple[str, ...], network: MobileNetV2ForImageClassification, rules: ImageRules, temperature: float
    ) -> None:
        self.labels = labels
        self._network = network.eval()
        self._rules = rules
        self._temperature = temperature

    def probabilities(self, inputs: Sequence[ClassifierInput]) -> Probabilities:
        """One row per image; images may differ in size."""
        if not len(inputs):
            return np.zeros((0, len(self.labels)), np.float32)
        starts = range(0, len(inputs), _BATCH)
        logits = [self._logits(inputs[start : start + _BATCH]) for start in starts]
        return np.asarray(softmax(torch.cat(logits).numpy() / np.float32(self._temperature), axis=1), np.float32)

    def files(self) -> Mapping[str, bytes]:
        """Weights as safetensors; labels, preparation and architecture as JSON."""
        facts = {
            "labels": self.labels,
            "temperature": self._temperature,
            "rules": asdict(self._rules),
            "network": self._network.config.to_dict(),
        }
        weights = {name: tensor.cpu().contiguous() for name, tensor in self._network.state_dict().items()}
        return {FACTS_FILE: json.dumps(facts, ensure_ascii=False).encode(), NETWORK_FILE: save(weights)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], device: str = "auto") -> Self:
        """The inverse of `files`; `ModelError` when one is missing or damaged."""
        try:
            facts = json.loads(files[FACTS_FILE])
            network: Any = MobileNetV2ForImageClassification(MobileNetV2Config.from_dict(facts["network"]))
            network.load_state_dict(load(files[NETWORK_FILE]))
            labels, rules, temperature = tuple(facts["labels"]), _rules_of(facts["rules"]), float(facts["temperature"])
        except (KeyError, ValueError, TypeError, RuntimeError, SafetensorError) as problem:
            raise ModelError(f"files of a classifier are missing or damaged: {problem!r}") from problem
        return cls(labels, network.to(choose_device(device)), rules, temperature)

    @torch.inference_mode()
    def _logits(self, images: Sequence[ClassifierInput]) -> Tensor:
        return forward(self._network, self._rules, [self._rules.prepare(image) for image in images]).cpu()


def forward(
    network: MobileNetV2ForImageClassification, rules: ImageRules, prepared: Sequence[ClassifierInput]
) -> Tensor:
    """Logits, images x labels, of images that have the network's size already."""
    batch = torch.from_numpy(np.stack(prepared)).to(network.device)
    logits: Tensor = network(pixel_values=rules.normalise(batch, torch.float32)).logits
    return logits


def _rules_of(fields: Mapping[str, Any]) -> ImageRules:
    colours = {name: tuple(fields[name]) for name in ("mean", "std")}
    return ImageRules(**{**fields, **colours, "filter": Image.Resampling(fields["filter"])})
