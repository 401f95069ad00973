"""How far a fine-tuning is after an epoch, as bytes that it goes on from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

Weights = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """How the weights after an epoch do on held-out images.

    Attributes:
        epoch: counted from 1; 0: as the training began.
        loss: nats per image, at the temperature.
        temperature: that makes it least.
    """

    epoch: int
    loss: float
    temperature: float


@dataclass(slots=True, eq=False)
class TrainingState:
    """Everything that an epoch changes; its random numbers follow from its number.

    Attributes:
        network: that learns.
        average: the moving average of its weights, which is what is used of it.
        optimiser: of the network's parameters.
        epoch: the last finished one.
        best: which had the least loss.
        best_weights: of the average, after that one.
    """

    network: Any
    average: AveragedModel
    optimiser: Optimizer
    epoch: int
    best: HeldOut
    best_weights: Weights

    def to_bytes(self) -> bytes:
        """Safetensors: nothing in it is code."""
        moments = {
            f"{place}.{name}": value
            for place, moment in self.optimiser.state_dict()["state"].items()
            for name, value in moment.items()
        }
        parts = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "best": self.best_weights,
            "optimiser": moments,
        }
        tensors = {f"{part}/{name}": value for part, values in parts.items() for name, value in values.items()}
        numbers = {"epoch": self.epoch, **{f"best_{name}": value for name, value in asdict(self.best).items()}}
        told = {f"number/{name}": torch.tensor(value, dtype=torch.float64) for name, value in numbers.items()}
        return save({name: value.cpu().contiguous() for name, value in {**tensors, **told}.items()})

    def restore(self, state: bytes) -> None:
        """The inverse of `to_bytes`, for a training of the same shape."""
        tensors = load(state)
        self.network.load_state_dict(_part(tensors, "network"))
        self.average.load_state_dict(_part(tensors, "average"))
        self.best_weights = _part(tensors, "best")
        self._restore_optimiser(_part(tensors, "optimiser"))
        numbers = {name: value.item() for name, value in _part(tensors, "number").items()}
        self.epoch = int(numbers["epoch"])
        self.best = HeldOut(int(numbers["best_epoch"]), numbers["best_loss"], numbers["best_temperature"])

    def _restore_optimiser(self, moments: Weights) -> None:
        parameters = [each for group in self.optimiser.param_groups for each in group["params"]]
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in moments.items():
            place, _, what = name.partition(".")
            like = parameters[int(place)]
            # In the parameter's own layout, or sums are rounded in another order.
            same = torch.empty_like(like).copy_(value) if value.shape == like.shape else value
            state.setdefault(int(place), {})[what] = same
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": state})


def _part(tensors: Weights, part: str) -> dict[str, Tensor]:
    return {name.removeprefix(f"{part}/"): value for name, value in tensors.items() if name.startswith(f"{part}/")}
