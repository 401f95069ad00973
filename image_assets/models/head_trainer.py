"""The default way to train: logistic regression on embeddings that exist already; takes seconds."""

from dataclasses import dataclass
from operator import itemgetter
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits

from image_assets.models.calibration import fit_temperature
from image_assets.models.classifier import Examples, LabelNumbers, Probabilities, Progress, Reads, Trained
from image_assets.models.linear_classifier import LinearClassifier

_ITERATIONS: Final = 2_000
_FOLDS: Final = 5
_IMPOSSIBLE: Final = np.float32(-1e4)
"""Bias of a label without an image."""

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class HeadTrainer:
    """Multinomial logistic regression; its strength and its temperature are chosen on validation images.

    Attributes:
        strengths: inverse regularisation (C) to try; large, because vectors of unit length have small numbers.
    """

    strengths: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
    name: ClassVar[str] = "head"
    reads: ClassVar[Reads] = Reads.EMBEDDING

    def train(
        self, labels: tuple[str, ...], examples: Examples, validation: Examples, on_progress: Progress
    ) -> Trained:
        """One fit per strength; the one with the least validation loss is kept."""
        vectors, held_out = np.stack(examples.inputs), np.stack(validation.inputs)
        candidates = []
        for done, strength in enumerate(self.strengths, start=1):
            head = _fit(labels, vectors, examples.targets, strength)
            temperature, loss = fit_temperature(held_out @ head.weights + head.biases, validation.targets)
            candidates.append((loss, strength, temperature, head))
            on_progress(done, len(self.strengths))
        loss, strength, temperature, head = min(candidates, key=itemgetter(0))
        cooled = LinearClassifier(labels, head.weights / np.float32(temperature), head.biases / np.float32(temperature))
        return Trained(cooled, {"strength": strength, "temperature": temperature, "validation_loss": loss})


def predict_out_of_fold(
    labels: tuple[str, ...], examples: Examples, groups: LabelNumbers, strength: float = 10.0
) -> Probabilities:
    """Each image's probabilities from a head that saw no image of its group; at least two groups are needed."""
    vectors = np.stack(examples.inputs)
    probabilities = np.zeros((len(vectors), len(labels)), np.float32)
    folds = GroupKFold(min(_FOLDS, len(np.unique(groups))))
    for seen, held_out in folds.split(vectors, examples.targets, groups):
        head = _fit(labels, vectors[seen], examples.targets[seen], strength)
        probabilities[held_out] = head.probabilities(vectors[held_out])
    return probabilities


def _fit(labels: tuple[str, ...], vectors: Vectors, targets: LabelNumbers, strength: float) -> LinearClassifier:
    present = np.unique(targets)
    weights = np.zeros((vectors.shape[1], len(labels)), np.float32)
    biases = np.full(len(labels), _IMPOSSIBLE)
    if len(present) == 1:
        biases[present] = 0
        return LinearClassifier(labels, weights, biases)
    # The matrices are small: on a busy machine more threads wait for each other fifty times as long as they compute.
    with threadpool_limits(1):
        model = LogisticRegression(C=strength, max_iter=_ITERATIONS).fit(vectors, targets)
    rows, offsets = model.coef_, model.intercept_
    if len(present) == 2:
        # scikit-learn keeps one row for two labels.
        rows, offsets = np.vstack([-rows / 2, rows / 2]), np.hstack([-offsets / 2, offsets / 2])
    weights[:, present], biases[present] = rows.T, offsets
    return LinearClassifier(labels, weights, biases)
