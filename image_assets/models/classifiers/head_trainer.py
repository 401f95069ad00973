"""The default way to train: logistic regression on embeddings that exist already; takes seconds."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, ClassVar, Final, TypeVar, cast

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits

from image_assets.models.classifiers.calibration import fit_temperature
from image_assets.models.classifiers.classifier import Examples, LabelNumbers, Probabilities, Progress, Reads, Trained
from image_assets.models.classifiers.linear_classifier import LinearClassifier
from image_assets.models.encoders.encoder import Embeddings, ImageEncoder
from image_assets.models.zero_shot.prototypes import encode_labels

_STOP: Final = {"maxiter": 1_000, "ftol": 1e-7, "gtol": 1e-4}
_FOLDS: Final = 5
_IMPOSSIBLE: Final = np.float32(-1e4)
"""Bias of a label without an image."""


_Compute = TypeVar("_Compute", bound=Callable[..., Any])


def _on_one_thread(compute: _Compute) -> _Compute:
    """The matrices are small: on a busy machine threads wait for each other fifty times as long as they compute."""
    return cast("_Compute", threadpool_limits.wrap(limits=1)(compute))


@dataclass(frozen=True, slots=True)
class HeadTrainer:
    """Multinomial logistic regression; start, strength and temperature are chosen on held-out images.

    Its penalty is on the distance from a start: from the zero-shot weights, so that examples add to what the encoder
    knows of the labels' words instead of replacing it (as in Silva-Rodriguez et al. 2024, arXiv 2312.12730), or from
    nothing, where words mislead. Labels without words start from nothing always. Held out are the validation images,
    and by cross-validation over groups every example; of these only such count that the encoder itself has not learned
    from, while there are any: of the others it is sure whether a head is good or not.

    Attributes:
        encoder: whose vectors are learnt from.
        strengths: inverse regularisation (C) to try: from hardly leaving the start to hardly minding it.
        starts: to try with each: words, nothing. Words alone, with no example learnt, are tried always.
    """

    encoder: ImageEncoder
    strengths: tuple[float, ...] = (0.1, 1.0, 10.0)
    starts: tuple[str, ...] = ("words", "nothing")
    name: ClassVar[str] = "head"
    reads: ClassVar[Reads] = Reads.EMBEDDING

    @_on_one_thread
    def train(
        self, labels: tuple[str, ...], examples: Examples, validation: Examples, on_progress: Progress
    ) -> Trained:
        """One fit per fold, start and strength; what has the least loss on held-out images is kept."""
        words = _start(self.encoder, labels)
        starts = {"words": words, "nothing": np.zeros_like(words)}
        tries = [("words", 0.0), *((name, strength) for name in self.starts for strength in self.strengths)]
        counts = _counted(examples, validation)
        candidates = []
        for done, (name, strength) in enumerate(tries, start=1):
            head, logits = _cross_fit(labels, examples, strength, starts[name])
            held_out = np.concatenate([logits, head.logits(np.stack(validation.inputs))])
            targets = np.concatenate([examples.targets, validation.targets])
            temperature, loss = fit_temperature(held_out[counts], targets[counts])
            candidates.append((loss, name, strength, temperature, head, logits))
            on_progress(done, len(tries))
        loss, name, strength, temperature, head, logits = min(candidates, key=itemgetter(0))
        chosen: dict[str, str | float] = {
            "start": name,
            "strength": strength,
            "temperature": temperature,
            "held_out_loss": loss,
        }
        out_of_fold = np.asarray(softmax(logits / temperature, axis=1), np.float32)
        return Trained(head.cooled(temperature), chosen, out_of_fold if np.isfinite(logits).all() else None)


@_on_one_thread
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


def _counted(examples: Examples, validation: Examples) -> npt.NDArray[np.bool_]:
    """Which of both choose: those held out that the encoder has not learned from, or all that are held out."""
    is_held_out = np.concatenate(
        [np.full(len(examples.targets), _can_fold(examples)), np.full(len(validation.targets), True)]
    )
    is_unseen = np.concatenate(
        [
            np.full(len(part.targets), True) if part.is_unseen is None else part.is_unseen
            for part in (examples, validation)
        ]
    )
    both = is_held_out & is_unseen
    return both if both.any() else is_held_out


def _groups(examples: Examples) -> LabelNumbers:
    return np.arange(len(examples.targets)) if examples.groups is None else examples.groups


def _can_fold(examples: Examples) -> bool:
    return len(np.unique(_groups(examples))) > 1


def _cross_fit(
    labels: tuple[str, ...], examples: Examples, strength: float, start: Embeddings
) -> tuple[LinearClassifier, npt.NDArray[np.float32]]:
    """The head of all examples, and each example's logits by one that saw no image of its group; nan if all are one."""
    vectors, groups = np.stack(examples.inputs), _groups(examples)
    logits = np.full((len(vectors), len(labels)), np.nan, np.float32)
    if _can_fold(examples):
        for seen, held_out in GroupKFold(min(_FOLDS, len(np.unique(groups)))).split(vectors, examples.targets, groups):
            head = _fit(labels, vectors[seen], examples.targets[seen], strength, start)
            logits[held_out] = head.logits(vectors[held_out])
    return _fit(labels, vectors, examples.targets, strength, start), logits


def _start(encoder: ImageEncoder, labels: tuple[str, ...]) -> Embeddings:
    """The zero-shot weights; nothing for a label that the encoder has no words for."""
    nothing = np.zeros(encoder.description.dimension, np.float32)
    prototypes = [nothing if known is None else known for known in encode_labels(encoder, labels)]
    return np.asarray(np.stack(prototypes).T * encoder.logit_scale, np.float32)


def _fit(
    labels: tuple[str, ...], vectors: Embeddings, targets: LabelNumbers, strength: float, start: Embeddings
) -> LinearClassifier:
    """The head with the least sum of loss and squared distance from the start, whose biases are zero; 0: the start."""
    if not strength:
        return LinearClassifier(labels, start, np.zeros(len(labels), np.float32))
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

    found = minimize(cost, np.zeros(anchor.size), jac=True, method="L-BFGS-B", options=_STOP)
    weights, biases = np.zeros_like(start), np.full(len(labels), _IMPOSSIBLE)
    *rows, offsets = anchor + found.x.reshape(anchor.shape)
    weights[:, present], biases[present] = rows, offsets
    return LinearClassifier(labels, weights, biases)
