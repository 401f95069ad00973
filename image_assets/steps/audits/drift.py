"""How far a day is from the days before it: pure measures over counts, numbers and vectors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = npt.NDArray[np.float64]
"""float64, one per image."""

_BINS = 10
_SMOOTHING = 0.5


@dataclass(frozen=True, slots=True)
class DriftParams:
    """From when on a day is worth a look.

    Attributes:
        window_days: days before that it is compared with.
        weeks: same weekdays before that its volume is compared with.
        min_images: fewer say nothing of a distribution.
        max_stability_index: below 0.1 is the same, up to 0.25 a moderate change, above another population
            (Siddiqi, Credit Risk Scorecards, 2006).
        max_embedding_ratio: times that a day's mean vector may be farther off than those of other days are.
        min_volume_ratio: least share of the usual number of uploads.
        max_volume_ratio: largest multiple of the usual number of uploads.
        max_reject_ratio: largest share of rejected files.
        max_duplicate_ratio: largest share of duplicates.
    """

    window_days: int = 7
    weeks: int = 4
    min_images: int = 50
    max_stability_index: float = 0.25
    max_embedding_ratio: float = 3.0
    min_volume_ratio: float = 0.5
    max_volume_ratio: float = 2.0
    max_reject_ratio: float = 0.1
    max_duplicate_ratio: float = 0.2


def stability_index(before: Sequence[int], now: Sequence[int]) -> float:
    """Population stability index of two histograms over the same bins, from 0; half an image is added to each bin."""
    expected, actual = (_shares(counts) for counts in (before, now))
    return float(np.sum((actual - expected) * np.log(actual / expected)))


def drift_of_classes(before: Mapping[str, int], now: Mapping[str, int]) -> float:
    """Stability index of images by class; a class that is new or gone counts."""
    names = sorted({*before, *now})
    return stability_index([before.get(name, 0) for name in names], [now.get(name, 0) for name in names])


def drift_of_numbers(before: Numbers, now: Numbers) -> float:
    """Stability index over the tenths of the numbers before."""
    inner = np.unique(np.quantile(before, np.linspace(0, 1, _BINS + 1)[1:-1]))
    histograms = [np.bincount(np.searchsorted(inner, numbers), minlength=inner.size + 1) for numbers in (before, now)]
    return stability_index(histograms[0].tolist(), histograms[1].tolist())


def drift_of_vectors(before: Sequence[Numbers], now: Numbers) -> float:
    """How many times farther a mean vector is from the mean of former ones than they are from each other's.

    Args:
        before: mean vectors of at least two days.
        now: the mean vector of the day.
    """
    usual = median(_distance(each, _mean_without(before, index)) for index, each in enumerate(before))
    distance = _distance(now, np.mean(before, axis=0))
    return distance / usual if usual else float("inf") if distance else 1.0


def _shares(counts: Sequence[int]) -> Numbers:
    smoothed: Numbers = np.asarray(counts, dtype=np.float64) + _SMOOTHING
    return smoothed / np.sum(smoothed, dtype=np.float64)


def _mean_without(vectors: Sequence[Numbers], index: int) -> Numbers:
    others = [each for number, each in enumerate(vectors) if number != index]
    return np.asarray(np.mean(others, axis=0), dtype=np.float64)


def _distance(one: Numbers, other: Numbers) -> float:
    return float(np.linalg.norm(one - other))
