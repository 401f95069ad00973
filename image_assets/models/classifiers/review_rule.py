"""From which confidence on an image needs no person: chosen from the share of wrong answers that is put up with."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from image_assets.models.classifiers.classifier import LabelNumbers, Probabilities

USUAL_THRESHOLD: Final = 0.6
"""What counts while nothing was measured."""

_DOUBT: Final = 0.1
"""How probable it may be that the promise is not kept; as in Angelopoulos et al. 2021, arXiv 2110.01052."""

_TRIED: Final = 10
"""Shares of images that a threshold could decide, tried at once: each has to pass with a tenth of the doubt."""


@dataclass(frozen=True, slots=True)
class ReviewRule:
    """A threshold and what held-out images say of it.

    Attributes:
        risk: 0..1, the share of wrong answers that is put up with among those that no person reviews.
        threshold: 0..1; images of less confidence are reviewed.
        is_shown: whether the images show, but for one chance in ten, that the risk is kept.
        images: held-out images that it was chosen on.
        decided: of them the model decides alone.
        wrong: of those.
    """

    risk: float
    threshold: float
    is_shown: bool
    images: int
    decided: int
    wrong: int

    @property
    def reviewed_ratio(self) -> float:
        """Share that is sent to review."""
        return 1 - self.decided / self.images

    @property
    def wrong_ratio(self) -> float:
        """Share of wrong answers among those that were not sent."""
        return self.wrong / max(1, self.decided)


def choose_threshold(probabilities: Probabilities, targets: LabelNumbers, risk: float) -> ReviewRule | None:
    """The lowest threshold that is shown to keep the risk; None without an image.

    It is Learn then Test with exact binomial tests and Bonferroni's correction. Where none passes, such as with too
    few images, the usual threshold stays, or a higher one at which no more than the risk were seen to be wrong.

    Args:
        probabilities: of images that neither the classifier nor its encoder has learned from, images x labels.
        targets: their labels.
        risk: 0..1.
    """
    if not len(targets):
        return None
    confidence, is_wrong = probabilities.max(axis=1), probabilities.argmax(axis=1) != targets
    falling = np.sort(confidence)[::-1]
    tried = falling[np.arange(1, _TRIED + 1) * len(falling) // _TRIED - 1] if len(falling) >= _TRIED else falling
    shown = [each for each in tried if _chance(confidence, is_wrong, each, risk) <= _DOUBT / _TRIED]
    seen = [each for each in falling if is_wrong[confidence >= each].mean() <= risk]
    threshold = min(shown) if shown else max(USUAL_THRESHOLD, min(seen, default=1.0))
    decides = confidence >= threshold
    counts = len(targets), int(decides.sum()), int(is_wrong[decides].sum())
    return ReviewRule(risk, float(threshold), bool(shown), *counts)


def _chance(
    confidence: npt.NDArray[np.float32], is_wrong: npt.NDArray[np.bool_], threshold: np.float32, risk: float
) -> float:
    """Of so few wrong answers above the threshold, if more than the risk were wrong."""
    decides = confidence >= threshold
    # Imported here, as in its neighbours: settings know these modules and need no SciPy.
    from scipy.stats import binom

    return float(binom.cdf(is_wrong[decides].sum(), decides.sum(), risk))
