"""Making confidence mean what it says: one temperature for all logits, chosen on images that were not learnt from."""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from image_assets.models.classifiers.classifier import LabelNumbers

_LOG_TEMPERATURES: Final = (-3.0, 3.0)
_TINY: Final = 1e-12
_USUAL: Final = 0.5
"""Standard deviation of the temperature's logarithm before anything is seen: few images do not move it far."""


def fit_temperature(logits: npt.NDArray[np.float32], targets: LabelNumbers) -> float:
    """The most plausible temperature (Guo et al. 2017, arXiv 1706.04599)."""

    def cost(log_temperature: float) -> float:
        loss = losses(logits, targets, float(np.exp(log_temperature))).mean()
        return float(loss + (log_temperature / _USUAL) ** 2 / (2 * len(targets)))

    return float(np.exp(minimize_scalar(cost, bounds=_LOG_TEMPERATURES, method="bounded").x))


def losses(logits: npt.NDArray[np.float32], targets: LabelNumbers, temperature: float) -> npt.NDArray[np.float64]:
    """Of each image, in nats: how little was given to what is right."""
    right = softmax(logits / np.float32(temperature), axis=1)[np.arange(len(targets)), targets]
    return np.asarray(-np.log(np.maximum(right, _TINY)), np.float64)
