"""The default way to train: logistic regression on embeddings that exist already; takes seconds."""

from dataclasses import dataclass
from operator import itemgetter
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits

from image_assets.models.classifiers.calibration import fit_temperature
from image_assets.models.classifiers.classifier import Examples, LabelNumbers, Probabilities, Progress, Reads, Trained
from image_assets.models.classifiers.linear_classifier import LinearClassifier
from image_assets.models.encoders.encoder import Embeddings, ImageEncoder
from image_assets.models.zero_shot.prototypes import encode_labels

_STOP: Final = {"maxiter": 2_000, "ftol": 1e-9, "gtol": 1e-5}
_FOLDS: Final = 5
_IMPOSSIBLE: Final = np.float32(-1e4)
"""Bias of a label without an image."""


@dataclass(frozen=True, slots=True)
class HeadTrainer:
    """Multinomial logistic regression; its strength and its temperature are chosen on validation images.

    Its penalty is on the distance from the zero-shot weights, so that examples add to what the encoder knows of the
    labels' words instead of replacing it (as in Silva-Rodriguez et al. 2024, arXiv 2312.12730). Labels without such
    words start from nothing.

    Attributes:
        encoder: whose vectors are learnt from.
        strengths: inverse regularisation (C) to try: from hardly leaving the start to hardly minding it.
    """

    encoder: ImageEncoder
    strengths: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0, 100.0)
    name: ClassVar[str] = "head"
    reads: ClassVar[Reads] = Reads.EMBEDDING

    def train(
        self, labels: tuple[str, ...], examples: Examples, validation: Examples, on_progress: Progress
    ) -> Trained:
        """One fit per strength; the one with the least validation loss is kept."""
        vectors, held_out = np.stack(examples.inputs), np.stack(validation.inputs)
        start, candidates = _start(self.encoder, labels), []
        for done, strength in enumerate(self.strengths, start=1):
            head = _fit(labels, vectors, examples.targets, strength, start)
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
    nothing = np.zeros((vectors.shape[1], len(labels)), np.float32)
    probabilities = np.zeros((len(vectors), len(labels)), np.float32)
    folds = GroupKFold(min(_FOLDS, len(np.unique(groups))))
    for seen, held_out in folds.split(vectors, examples.targets, groups):
        head = _fit(labels, vectors[seen], examples.targets[seen], strength, nothing)
        probabilities[held_out] = head.probabilities(vectors[held_out])
    return probabilities


def _start(encoder: ImageEncoder, labels: tuple[str, ...]) -> Embeddings:
    """The zero-shot weights; nothing for a label that the encoder has no words for."""
    nothing = np.zeros(encoder.description.dimension, np.float32)
    prototypes = [nothing if known is None else known for known in encode_labels(encoder, labels)]
    return np.asarray(np.stack(prototypes).T * encoder.logit_scale, np.float32)


def _fit(
    labels: tuple[str, ...], vectors: Embeddings, targets: LabelNumbers, strength: float, start: Embeddings
) -> LinearClassifier:
    """The head with the least sum of loss and squared distance from the start, whose biases are zero."""
    present, numbers = np.unique(targets, return_inverse=True)
    wanted = np.eye(len(present), dtype=np.float32)[numbers]
    inputs = np.pad(vectors, [(0, 0), (0, 1)], constant_values=1)
    anchor = np.pad(start[:, present], [(0, 1), (0, 0)])

    def cost(shift: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        logits = inputs @ (anchor + shift.reshape(anchor.shape)).astype(np.float32)
        norms = logsumexp(logits, axis=1, keepdims=True)
        loss = norms.sum() - logits[wanted > 0].sum() + shift @ shift / (2 * strength)
        slope = (inputs.T @ (np.exp(logits - norms) - wanted)).ravel() + shift / strength
        return loss / len(inputs), slope / len(inputs)

    # The matrices are small: on a busy machine more threads wait for each other fifty times as long as they compute.
    with threadpool_limits(1):
        found = minimize(cost, np.zeros(anchor.size), jac=True, method="L-BFGS-B", options=_STOP)
    weights, biases = np.zeros_like(start), np.full(len(labels), _IMPOSSIBLE)
    *rows, offsets = anchor + found.x.reshape(anchor.shape)
    weights[:, present], biases[present] = rows, offsets
    return LinearClassifier(labels, weights, biases)
