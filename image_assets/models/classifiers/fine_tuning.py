"""The thorough way to train: fine-tune a network that has learnt from other pictures, on the pixels themselves."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import AdamW
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from image_assets.models.classifiers.calibration import fit_temperature, losses
from image_assets.models.classifiers.classifier import EpochKeeper, Examples, Progress, Reads, Trained
from image_assets.models.classifiers.epochs import HeldOut, TrainingState
from image_assets.models.classifiers.fine_tuned import FineTunedClassifier, forward
from image_assets.models.classifiers.head_trainer import HeadTrainer
from image_assets.models.classifiers.schedule import learning_rate_factor
from image_assets.models.classifiers.squares import PhotoSquares
from image_assets.models.classifiers.starting_network import StartingNetwork, find_start
from image_assets.models.classifiers.variation import vary
from image_assets.models.encoders.devices import choose_device, choose_precision
from image_assets.models.encoders.encoder import Embedding, ImageEncoder

_CODE_VERSION: Final = "1"
_LONGEST_NORM: Final = 1.0
_MARGIN: Final = 1.2
"""How much larger than the network's input the kept squares are: crops of them are not blown up much."""

_HALF_LIFE: Final = 0.5
"""Epochs after which the moving average has forgotten half."""


@dataclass(frozen=True, slots=True)
class FineTuningParams:
    """How to fine-tune.

    Attributes:
        weights: where to start from: `builtin`, a hub name, or a folder in the hub's format.
        epochs: passes over the training images.
        batch_size: images per step.
        learning_rate: at the top of the cycle, of layers that have learnt before.
        new_layer_rate: likewise, of a last layer that has not.
        weight_decay: of AdamW.
        label_smoothing: share of each target spread evenly.
        seed: of order and variations.
        device: auto, cuda, mps or cpu.
    """

    weights: str = "builtin"
    epochs: int = 4
    batch_size: int = 32
    learning_rate: float = 1e-4
    new_layer_rate: float = 1e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    seed: int = 0
    device: str = "auto"


@dataclass(frozen=True, slots=True)
class FineTuner:
    """AdamW with one cycle of the learning rate; of the epochs' averaged weights those with the least loss are kept.

    The image tower of an encoder begins as the best head on its vectors ("linear probing then fine-tuning", Kumar et
    al. 2022, arXiv 2202.10054), and stays so where no epoch is better on held-out images. Batch normalisation keeps
    the statistics it came with: a batch is too small for better ones.

    Attributes:
        params: how.
        keeper: of the last finished epoch, from which a training that was killed goes on; None: it begins anew.
    """

    params: FineTuningParams = FineTuningParams()
    keeper: EpochKeeper | None = None
    name: ClassVar[str] = "fine-tune"
    reads: ClassVar[Reads] = Reads.PIXELS

    def train(
        self, labels: tuple[str, ...], examples: Examples, validation: Examples, on_progress: Progress
    ) -> Trained:
        """Fine-tune all layers; epoch and temperature are chosen on validation images new to what it starts from."""
        with torch.random.fork_rng():
            torch.manual_seed(self.params.seed)
            start = find_start(self.params.weights, len(labels), choose_device(self.params.device))
            training = _FineTuning(self.params, labels, start, examples, validation, on_progress)
            key = training.read_photos()
            kept = self.keeper.find(key) if self.keeper else None
            state = training.begin() if kept is None else training.go_on(kept)
            while state.epoch < self.params.epochs:
                training.run_epoch(state)
                if self.keeper:
                    self.keeper.keep(key, state.to_bytes())
        return training.end(state)


class _FineTuning:
    """One training: its photos, and how an epoch of it goes."""

    def __init__(
        self,
        params: FineTuningParams,
        labels: tuple[str, ...],
        start: StartingNetwork,
        examples: Examples,
        validation: Examples,
        on_progress: Progress,
    ) -> None:
        self._params, self._labels, self._start = params, labels, start
        self._examples, self._validation, self._on_progress = examples, validation, on_progress
        self._device = torch.device(choose_device(params.device))
        self._dtype = _dtype_on(self._device)
        rules = start.rules
        height, width = (round(_MARGIN * side) for side in (rules.height_px, rules.width_px))
        self._photos = PhotoSquares(examples.inputs, replace(rules, height_px=height, width_px=width))
        self._held_out = PhotoSquares(validation.inputs, rules)
        self._targets = torch.from_numpy(np.asarray(examples.targets))
        self._done = 0

    @property
    def _steps(self) -> int:
        """Of an epoch."""
        return self._batches(len(self._photos))

    @property
    def _total(self) -> int:
        once = self._batches(len(self._photos)) + self._batches(len(self._held_out))
        return once * (2 if self._start.encoder else 1) + self._params.epochs * self._steps

    def _batches(self, photos: int) -> int:
        return -(-photos // self._params.batch_size)

    def _tell(self) -> None:
        self._done += 1
        self._on_progress(self._done, self._total)

    def read_photos(self) -> str:
        """Decode all photos; returns what names this training by everything that decides what comes of it."""
        shown = [each.read(self._params.batch_size, self._tell) for each in (self._photos, self._held_out)]
        place = str(self._device), str(self._dtype), torch.__version__, _CODE_VERSION
        facts = [asdict(self._params), self._labels, self._start.revision, place, *shown]
        digest = hashlib.sha256(json.dumps(facts).encode())
        for part in (self._examples, self._validation):
            for known in (part.targets, part.groups, part.is_unseen):
                digest.update(b"none" if known is None else known.tobytes())
        return digest.hexdigest()

    def begin(self) -> TrainingState:
        """As the network comes, with the best head as its last layer where it is an encoder's."""
        if self._start.encoder:
            self._start.network.begin_as(self._head(self._start.encoder))
        state = self._prepared()
        state.best = self._judge(state)
        return state

    def go_on(self, kept: bytes) -> TrainingState:
        """As it was after the epoch that was finished last."""
        state = self._prepared()
        state.restore(kept)
        self._done = self._total - (self._params.epochs - state.epoch) * self._steps
        return state

    def _prepared(self) -> TrainingState:
        network = self._start.network.to(device=self._device, memory_format=torch.channels_last)
        decay = 0.5 ** (1 / (_HALF_LIFE * self._steps))
        average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay))
        optimiser = AdamW(_groups(network, self._start.new, self._params))
        weights = _copied(average.module.state_dict())
        return TrainingState(network, average, optimiser, 0, HeldOut(0, float("inf"), 1.0), weights)

    def _head(self, encoder: ImageEncoder) -> Any:
        examples = replace(self._examples, inputs=self._vectors(encoder, self._photos))
        validation = replace(self._validation, inputs=self._vectors(encoder, self._held_out))
        return HeadTrainer(encoder).train(self._labels, examples, validation, lambda *_: None).classifier

    def _vectors(self, encoder: ImageEncoder, photos: PhotoSquares) -> list[Embedding]:
        rows: list[Embedding] = []
        for squares in photos.batches(range(len(photos)), self._params.batch_size):
            rows.extend(encoder.encode_images(list(squares.numpy())))
            self._tell()
        return rows

    def run_epoch(self, state: TrainingState) -> None:
        """One pass over the photos."""
        torch.manual_seed(self._params.seed + state.epoch + 1)
        _make_ready(state.network)
        order = torch.randperm(len(self._photos)).tolist()
        batches = self._photos.batches(order, self._params.batch_size)
        for step, squares in enumerate(batches):
            places = order[step * self._params.batch_size :][: len(squares)]
            progress = (state.epoch * self._steps + step) / (self._params.epochs * self._steps)
            self._learn(state, squares, self._targets[places], learning_rate_factor(progress))
            self._tell()
        state.epoch += 1
        judged = self._judge(state)
        if judged.loss < state.best.loss:
            state.best, state.best_weights = judged, _copied(state.average.module.state_dict())

    def _learn(self, state: TrainingState, squares: Tensor, targets: Tensor, factor: float) -> None:
        for group in state.optimiser.param_groups:
            group["lr"] = group["top_rate"] * factor
        rules = self._start.rules
        pictures = vary(squares.to(self._device), rules.height_px, rules.width_px)
        with torch.autocast(self._device.type, self._dtype, enabled=self._dtype != torch.float32):
            logits = forward(state.network, rules, pictures)
        loss = functional.cross_entropy(
            logits.float(), targets.to(self._device), label_smoothing=self._params.label_smoothing
        )
        state.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(state.network.parameters(), _LONGEST_NORM)
        state.optimiser.step()
        state.average.update_parameters(state.network)

    @torch.inference_mode()
    def _judge(self, state: TrainingState) -> HeldOut:
        """The averaged weights on validation images; on those that are new to the encoder, while there are any."""
        network, part = state.average.module.eval(), self._validation
        batches = self._held_out.batches(range(len(self._held_out)), self._params.batch_size)
        logits = torch.cat([forward(network, self._start.rules, squares).cpu() for squares in batches]).numpy()
        counts = slice(None) if part.is_unseen is None or not part.is_unseen.any() else part.is_unseen
        temperature = fit_temperature(logits[counts], part.targets[counts])
        return HeldOut(
            state.epoch, float(losses(logits[counts], part.targets[counts], temperature).mean()), temperature
        )

    def end(self, state: TrainingState) -> Trained:
        """The best weights as a classifier."""
        network = state.network
        network.load_state_dict(state.best_weights)
        best = state.best
        chosen: dict[str, str | float] = {
            "epoch": best.epoch,
            "temperature": best.temperature,
            "validation_loss": best.loss,
            "revision": self._start.revision,
        }
        classifier = FineTunedClassifier(self._labels, network, self._start.rules, best.temperature)
        return Trained(classifier, {**{name: str(value) for name, value in asdict(self._params).items()}, **chosen})


def _dtype_on(device: torch.device) -> torch.dtype:
    """bf16 on a GPU that has it; on a CPU that does, fp32 is faster still, and fp16 would need its losses scaled."""
    is_half = device.type == "cuda" and choose_precision("auto", str(device)) == "bf16"
    return torch.bfloat16 if is_half else torch.float32


def _groups(network: Any, new: frozenset[str], params: FineTuningParams) -> list[dict[str, Any]]:
    """Weight decay for matrices and kernels only; what is new learns faster."""
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for name, parameter in network.named_parameters():
        rate = params.new_layer_rate if name in new else params.learning_rate
        groups.setdefault((rate, params.weight_decay * (parameter.ndim > 1)), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "top_rate": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]


def _make_ready(network: Any) -> None:
    network.train()
    for layer in network.modules():
        if isinstance(layer, _BatchNorm):
            layer.eval()


def _copied(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in weights.items()}
