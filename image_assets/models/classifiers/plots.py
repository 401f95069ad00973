"""Three pictures of how a classifier does: what it confuses, whether it can be believed, what a threshold buys."""

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from image_assets.models.classifiers.metrics import Scores
from image_assets.models.classifiers.review_rule import ReviewRule

_SIDE_INCHES: Final = 5.0
_INCHES_PER_LABEL: Final = 0.42
_DOTS_PER_INCH: Final = 90
_INK, _PALE, _GUIDE = "#1f4e79", "#9dc3e6", "#999999"


def plot_scores(labels: Sequence[str], scores: Scores, review: ReviewRule | None = None) -> dict[str, bytes]:
    """PNG files by name; the risk-coverage curve shows which point the review rule chose."""
    return {
        "confusion_matrix.png": _confusion(labels, scores),
        "reliability_diagram.png": _reliability(scores),
        "risk_coverage_curve.png": _risk_coverage(scores, review),
    }


def _confusion(labels: Sequence[str], scores: Scores) -> bytes:
    """Colours are shares of a row, so that rare labels show; numbers are images."""
    figure, axes = _square(max(_SIDE_INCHES, 2.0 + _INCHES_PER_LABEL * len(labels)))
    images = scores.confusion
    shares = images / np.maximum(images.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in zip(*np.nonzero(images), strict=True):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, str(images[row, column]), ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set(title=f"Accuracy {scores.accuracy:.3f} on {scores.images} images", xlabel="predicted", ylabel="label")
    return _png(figure)


def _reliability(scores: Scores) -> bytes:
    figure, axes = _square(_SIDE_INCHES)
    bins = scores.reliability
    axes.plot([0, 1], [0, 1], "--", color=_GUIDE, label="perfectly calibrated")
    sizes = 20 + 200 * bins.images / max(1, bins.images.max(initial=0))
    axes.scatter(bins.confidence, bins.accuracy, s=sizes, color=_INK, label="images by confidence; larger: more")
    axes.set(
        title=f"Calibration error {scores.calibration_error:.3f} on {scores.images} images; "
        f"by chance {scores.calibration_noise:.3f}",
        xlabel="confidence",
        ylabel="accuracy",
    )
    axes.set(xlim=(0, 1.02), ylim=(-0.04, 1.04))
    axes.legend(loc="lower right", frameon=False)
    return _png(figure)


def _risk_coverage(scores: Scores, review: ReviewRule | None) -> bytes:
    figure, axes = _square(_SIDE_INCHES)
    axes.plot(scores.curve.coverage, scores.curve.risk, color=_INK)
    axes.fill_between(scores.curve.coverage, scores.curve.risk, color=_PALE, alpha=0.4)
    if review:
        told = f"below {review.threshold:.3f} people review: {review.reviewed_ratio:.0%}"
        axes.plot([1 - review.reviewed_ratio], [review.wrong_ratio], "o", color=_INK, label=told)
        axes.axhline(review.risk, linestyle="--", color=_GUIDE, label=f"wanted: {review.risk:.1%} wrong at most")
        axes.legend(loc="upper left", frameon=False)
    axes.set(
        title=f"Area {scores.risk_coverage:.4f} on {scores.images} images",
        xlabel="share decided by the model",
        ylabel="share of errors in it",
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)
    return _png(figure)


def _square(side_inches: float) -> tuple[Figure, Axes]:
    # A figure of its own: pyplot keeps every figure of the process, and is not for threads.
    figure = Figure(figsize=(side_inches, side_inches), dpi=_DOTS_PER_INCH, layout="constrained")
    return figure, figure.subplots()


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()
