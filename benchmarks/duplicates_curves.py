"""Precision against recall as a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

_COLOURS = ("#0b5394", "#6fa8dc", "#b45f06", "#6aa84f")
_STYLES = ("-", "--", "-", "-")


@dataclass(frozen=True, slots=True)
class Curve:
    """What one way reaches as its threshold loosens.

    Attributes:
        name: for the legend.
        recall: 0 to 1, rising.
        precision: 0 to 1, one per recall.
        default: recall and precision at the default threshold.
    """

    name: str
    recall: npt.NDArray[np.float64]
    precision: npt.NDArray[np.float64]
    default: tuple[float, float]


def draw_curves(panels: Mapping[str, Sequence[Curve]], path: Path) -> None:
    """One panel per set of photos, side by side, on white so that it shows on a dark page too."""
    figure = Figure(figsize=(4.8 * len(panels), 4.4), dpi=110, layout="constrained", facecolor="white")
    for axes, (title, curves) in zip(np.atleast_1d(figure.subplots(1, len(panels))), panels.items(), strict=True):
        for curve, colour, style in zip(curves, _COLOURS, _STYLES, strict=False):
            axes.plot(curve.recall, curve.precision, style, color=colour, linewidth=2, label=curve.name)
            axes.plot(*curve.default, "o", color=colour, markersize=7)
        axes.set(title=title, xlabel="recall: copies found", ylabel="precision: pairs that are one photo")
        axes.set(xlim=(0, 1.02), ylim=(0, 1.04))
        axes.grid(color="#dddddd")
        axes.legend(loc="lower left", title="dot: default threshold", framealpha=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", metadata={"Software": None})
