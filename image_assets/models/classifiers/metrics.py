"""How good probabilities are: are the labels right, can the confidence be believed, what does a threshold cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from image_assets.models.classifiers.classifier import LabelNumbers, Probabilities

_BINS: Final = 15
"""As in Guo et al. 2017, "On Calibration of Modern Neural Networks"."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ReliabilityBins:
    """Images by confidence, in bins of equal width that hold any; all 0..1 but `images`."""

    confidence: Floats
    accuracy: Floats
    images: npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class RiskCoverage:
    """Share of images that are decided when those of least confidence are left to people, and of errors in it."""

    coverage: Floats
    risk: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Everything measured on one split; without images all is zero.

    Attributes:
        images: how many.
        accuracy: 0..1.
        macro_f1: 0..1; mean over the labels that images have.
        calibration_error: 0..1; expected calibration error.
        calibration_noise: 0..1; what that is expected to be on so few images though every confidence were right.
        risk_coverage: 0..1; area under the risk-coverage curve (Geifman et al. 2019).
        confusion: images by given label (rows) and predicted label (columns).
        precision: 0..1 per label.
        recall: 0..1 per label.
        f1: 0..1 per label.
        reliability: what the reliability diagram draws.
        curve: what the risk-coverage curve draws.
    """

    images: int
    accuracy: float
    macro_f1: float
    calibration_error: float
    calibration_noise: float
    risk_coverage: float
    confusion: npt.NDArray[np.intp]
    precision: Floats
    recall: Floats
    f1: Floats
    reliability: ReliabilityBins
    curve: RiskCoverage


def score(probabilities: Probabilities, targets: LabelNumbers) -> Scores:
    """Compare probabilities with the right labels."""
    guesses, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1).astype(np.float64)
    is_right = guesses == targets
    confusion, (precision, recall, f1, images) = _by_label(targets, guesses, probabilities.shape[1])
    reliability, curve = _reliability(confidence, is_right), _risk_coverage(confidence, is_right)
    return Scores(
        images=len(targets),
        accuracy=_mean(is_right),
        macro_f1=_mean(f1[images > 0]),
        calibration_error=_calibration_error(reliability),
        calibration_noise=_calibration_noise(confidence),
        risk_coverage=_mean(curve.risk),
        confusion=confusion,
        precision=precision,
        recall=recall,
        f1=f1,
        reliability=reliability,
        curve=curve,
    )


def _by_label(
    targets: LabelNumbers, guesses: LabelNumbers, labels: int
) -> tuple[npt.NDArray[np.intp], Sequence[Floats]]:
    """The confusion matrix; precision, recall, F1 and number of images by label."""
    # Imported here, because a code location has to load fast.
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    if not len(targets):
        # scikit-learn refuses to compare nothing.
        return np.zeros((labels, labels), np.intp), [np.zeros(labels)] * 4
    numbers = np.arange(labels)
    return (
        confusion_matrix(targets, guesses, labels=numbers),
        precision_recall_fscore_support(targets, guesses, labels=numbers, zero_division=0),
    )


def _mean(values: npt.NDArray[np.float64] | npt.NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else 0.0


def _calibration_noise(confidence: Floats) -> float:
    """The mean of a bin's gap by chance: that of a normal distribution with the variance of its coin tosses."""
    variances = np.bincount(_bins_of(confidence), weights=confidence * (1 - confidence), minlength=_BINS)
    return float(np.sqrt(2 / np.pi * variances).sum() / max(1, len(confidence)))


def _bins_of(confidence: Floats) -> npt.NDArray[np.intp]:
    return np.minimum((confidence * _BINS).astype(np.intp), _BINS - 1)


def _reliability(confidence: Floats, is_right: npt.NDArray[np.bool_]) -> ReliabilityBins:
    bins = _bins_of(confidence)
    images = np.bincount(bins, minlength=_BINS)
    filled = images > 0
    sums = (np.bincount(bins, weights=values, minlength=_BINS)[filled] for values in (confidence, is_right))
    mean_confidence, accuracy = (total / images[filled] for total in sums)
    return ReliabilityBins(mean_confidence, accuracy, images[filled])


def _calibration_error(bins: ReliabilityBins) -> float:
    gaps = np.abs(bins.confidence - bins.accuracy) * bins.images
    return float(gaps.sum() / max(1, bins.images.sum()))


def _risk_coverage(confidence: Floats, is_right: npt.NDArray[np.bool_]) -> RiskCoverage:
    order = np.argsort(-confidence, kind="stable")
    decided = np.arange(1, len(order) + 1)
    return RiskCoverage(decided / max(1, len(order)), np.cumsum(~is_right[order]) / decided)
