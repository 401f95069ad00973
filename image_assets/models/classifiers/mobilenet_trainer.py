"""The classic way to train: fine-tune a MobileNetV2 that learnt from ImageNet, on the pixels themselves."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import ClassVar, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import AdamW
from transformers import AutoImageProcessor, MobileNetV2ForImageClassification
from transformers.utils.logging import disable_progress_bar

from image_assets.errors import ModelError
from image_assets.models.classifiers.calibration import fit_temperature
from image_assets.models.classifiers.classifier import ClassifierInput, Examples, Progress, Reads, Trained
from image_assets.models.classifiers.mobilenet import MobileNetClassifier, forward
from image_assets.models.classifiers.schedule import learning_rate_factor
from image_assets.models.encoders.checkpoints import Checkpoint, locate_checkpoint
from image_assets.models.encoders.devices import choose_device
from image_assets.models.encoders.encoder_loading import load_part
from image_assets.models.encoders.image_preparation import ImageRules, read_image_rules

_BATCHES_AHEAD: Final = 2
_LONGEST_NORM: Final = 1.0

Network = MobileNetV2ForImageClassification


@dataclass(frozen=True, slots=True)
class MobileNetTrainer:
    """AdamW with one cycle of the learning rate; the epoch with the least validation loss is kept.

    Attributes:
        weights: where to start from: a hub name, or a folder in the hub's format.
        epochs: passes over the training images.
        batch_size: images per step.
        learning_rate: at the top of the cycle.
        weight_decay: of AdamW.
        label_smoothing: share of each target spread evenly.
        dropout: before the last layer.
        seed: of order and mirroring.
        device: auto, cuda, mps or cpu.
    """

    weights: str = "google/mobilenet_v2_1.0_224"
    epochs: int = 8
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    dropout: float = 0.2
    seed: int = 0
    device: str = "auto"
    name: ClassVar[str] = "mobilenet"
    reads: ClassVar[Reads] = Reads.PIXELS

    def train(
        self, labels: tuple[str, ...], examples: Examples, validation: Examples, on_progress: Progress
    ) -> Trained:
        """Fine-tune all layers; then the temperature is fitted."""
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            network, rules, revision = self._start(len(labels))
            best, logits = self._improve(network, rules, examples, validation, on_progress)
        network.load_state_dict(best)
        temperature, loss = fit_temperature(logits.numpy(), validation.targets)
        chosen: dict[str, str | float] = {"temperature": temperature, "validation_loss": loss, "revision": revision}
        return Trained(
            MobileNetClassifier(labels, network, rules, temperature),
            {**{name: str(value) for name, value in asdict(self).items()}, **chosen},
        )

    def _start(self, labels: int) -> tuple[Network, ImageRules, str]:
        disable_progress_bar()
        try:
            checkpoint = locate_checkpoint(self.weights, None)
            rules = _whole_picture(checkpoint)
            options = {"num_labels": labels, "classifier_dropout_prob": self.dropout}
            network = load_part(Network.from_pretrained, checkpoint, ignore_mismatched_sizes=True, **options)
        except ModelError as problem:
            raise ModelError(
                f"the weights to start from cannot be used: {problem} IMAGE_ASSETS_MOBILENET takes a hub name or a "
                "folder with a MobileNetV2; IMAGE_ASSETS_TRAINER=head needs no download"
            ) from problem
        return network.to(choose_device(self.device)), rules, checkpoint.revision

    def _improve(
        self, network: Network, rules: ImageRules, examples: Examples, validation: Examples, on_progress: Progress
    ) -> tuple[dict[str, Tensor], Tensor]:
        """The weights of the best epoch and their logits on validation."""
        optimiser = AdamW(network.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)
        steps = self.epochs * -(-len(examples.targets) // self.batch_size)
        step, best, least = 0, (network.state_dict(), torch.empty(0)), float("inf")
        for _ in range(self.epochs):
            network.train()
            order = torch.randperm(len(examples.targets)).tolist()
            for images, targets in _batches(examples, order, rules, self.batch_size):
                for group in optimiser.param_groups:
                    group["lr"] = self.learning_rate * learning_rate_factor(step / steps)
                self._learn(network, rules, optimiser, images, targets)
                step += 1
                on_progress(step, steps)
            logits = _predict(network, rules, validation, self.batch_size)
            loss = float(functional.cross_entropy(logits, torch.from_numpy(validation.targets)))
            if loss < least:
                least = loss
                best = {name: tensor.clone() for name, tensor in network.state_dict().items()}, logits
        return best

    def _learn(
        self, network: Network, rules: ImageRules, optimiser: AdamW, images: Sequence[ClassifierInput], targets: Tensor
    ) -> None:
        mirrored = [image[:, ::-1] if torch.rand(()) < 0.5 else image for image in images]
        logits = forward(network, rules, mirrored)
        loss = functional.cross_entropy(logits, targets.to(logits.device), label_smoothing=self.label_smoothing)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), _LONGEST_NORM)
        optimiser.step()


def _whole_picture(checkpoint: Checkpoint) -> ImageRules:
    """The checkpoint's own preparation, but nothing is cropped: product photos fill their frame."""
    rules = read_image_rules(load_part(AutoImageProcessor.from_pretrained, checkpoint, backend="pil"))
    if not isinstance(rules, ImageRules):
        raise ModelError(f"{checkpoint.source} prepares images in a way that is not known here.")
    return replace(rules, shortest_side_px=None)


@torch.inference_mode()
def _predict(network: Network, rules: ImageRules, examples: Examples, batch_size: int) -> Tensor:
    network.eval()
    order = list(range(len(examples.targets)))
    batches = _batches(examples, order, rules, batch_size)
    return torch.cat([forward(network, rules, images).cpu() for images, _ in batches])


def _batches(
    examples: Examples, order: Sequence[int], rules: ImageRules, batch_size: int
) -> Iterator[tuple[list[ClassifierInput], Tensor]]:
    """Images at the network's size, with their targets; the next batches are prepared meanwhile."""

    def load(numbers: Sequence[int]) -> tuple[list[ClassifierInput], Tensor]:
        return [rules.prepare(examples.inputs[number]) for number in numbers], torch.from_numpy(
            np.asarray(examples.targets[list(numbers)])
        )

    waiting: deque[Future[tuple[list[ClassifierInput], Tensor]]] = deque()
    with ThreadPoolExecutor(thread_name_prefix="decode") as threads:
        for start in range(0, len(order), batch_size):
            waiting.append(threads.submit(load, order[start : start + batch_size]))
            if len(waiting) > _BATCHES_AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
