"""Labels that classifiers do not believe: confident learning (Northcutt et al. 2021, arXiv 1911.00068)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from image_assets.models.classifiers.classifier import LabelNumbers, Probabilities


@dataclass(frozen=True, slots=True)
class DoubtfulLabel:
    """An image whose label is probably another.

    Attributes:
        index: place of the image among the inputs.
        suggested: number of the label that it more probably has.
        confidence: 0..1, of the suggested label.
    """

    index: int
    suggested: int
    confidence: float


def find_doubtful_labels(probabilities: Probabilities, targets: LabelNumbers) -> Sequence[DoubtfulLabel]:
    """Images off the diagonal of the confident joint, most doubtful first.

    A label is *confident* for an image when it is at least as probable as it is on average for the images that carry
    it; that makes up for classifiers being surer of some labels than of others.

    Args:
        probabilities: from classifiers that did not see the image, images x labels.
        targets: the label that each image carries; labels that no image carries are never suggested.
    """
    thresholds = np.full(probabilities.shape[1], np.inf)
    for label in np.unique(targets):
        thresholds[label] = probabilities[targets == label, label].mean()
    confident = np.where(probabilities >= thresholds, probabilities, 0.0)
    suggested, sureness = confident.argmax(axis=1), confident.max(axis=1)
    found = np.flatnonzero((sureness > 0) & (suggested != targets))
    margins = probabilities[found, targets[found]] - sureness[found]
    return [
        DoubtfulLabel(int(index), int(suggested[index]), float(sureness[index]))
        for index in found[np.argsort(margins, kind="stable")]
    ]
