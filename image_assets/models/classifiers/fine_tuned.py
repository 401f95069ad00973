"""A fine-tuned network that reads pixels: any image classifier of transformers, or the image tower of an encoder."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar, Final, Self

import numpy as np
import torch
from huggingface_hub.errors import StrictDataclassError
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load, save
from scipy.special import softmax
from torch import Tensor
from transformers import CONFIG_MAPPING, AutoModelForImageClassification, PreTrainedModel

from image_assets.errors import ModelError
from image_assets.models.classifiers import tower_classifier
from image_assets.models.classifiers.classifier import ClassifierInput, Probabilities, Reads
from image_assets.models.encoders.devices import choose_device
from image_assets.models.encoders.image_preparation import ImageRules

NETWORK_FILE: Final = "network.safetensors"
FACTS_FILE: Final = "network.json"
_BATCH: Final = 64
_DAMAGES: Final = (
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    RuntimeError,
    ImportError,
    SafetensorError,
    StrictDataclassError,
)
"""What is raised on files that are torn, of another network, or of one that needs a library that is not here."""


class FineTunedClassifier:
    """Softmax of the network's logits over a temperature.

    Attributes:
        labels: one per output of the network.
    """

    reads: ClassVar[Reads] = Reads.PIXELS

    def __init__(
        self, labels: tuple[str, ...], network: PreTrainedModel, rules: ImageRules, temperature: float
    ) -> None:
        self.labels = labels
        self._network: Any = network.eval()  # type: ignore[no-untyped-call, unused-ignore]  # as transformers has it
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
            network = _network_of(facts["network"])
            network.load_state_dict(load(files[NETWORK_FILE]))
            labels, rules, temperature = tuple(facts["labels"]), _rules_of(facts["rules"]), float(facts["temperature"])
        except _DAMAGES as problem:
            raise ModelError(f"files of a classifier are missing or damaged: {problem!r}") from problem
        return cls(labels, network.to(choose_device(device)), rules, temperature)

    @torch.inference_mode()
    def _logits(self, images: Sequence[ClassifierInput]) -> Tensor:
        squares = torch.from_numpy(np.stack([self._rules.prepare(image) for image in images]))
        return forward(self._network, self._rules, squares).cpu()


def forward(network: Any, rules: ImageRules, squares: Tensor) -> Tensor:
    """Logits, images x labels, of images x rows x columns x 3 that have the network's size already."""
    logits: Tensor = network(pixel_values=rules.normalise(squares.to(network.device), torch.float32)).logits
    return logits


def _network_of(facts: Mapping[str, Any]) -> Any:
    """With random weights; no code but that of transformers and ours is ever run."""
    tower_classifier.register()
    config = CONFIG_MAPPING[facts["model_type"]].from_dict(dict(facts))
    return AutoModelForImageClassification.from_config(config, trust_remote_code=False)


def _rules_of(fields: Mapping[str, Any]) -> ImageRules:
    colours = {name: tuple(fields[name]) for name in ("mean", "std")}
    return ImageRules(**{**fields, **colours, "filter": Image.Resampling(fields["filter"])})
