"""The default way to train: logistic regression on embeddings that exist already; takes seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits

from image_assets.models.classifiers.calibration import fit_temperature, losses
from image_assets.models.classifiers.classifier import Examples, LabelNumbers, Probabilities, Progress, Reads, Trained
from image_assets.models.classifiers.linear_classifier import LinearClassifier
from image_assets.models.encoders.encoder import Embeddings, ImageEncoder
from image_assets.models.zero_shot.prototypes import encode_labels

_STOP: Final = {"maxiter": 1_000, "ftol": 1e-7, "gtol": 1e-4}
_FOLDS: Final = 5
_IMPOSSIBLE: Final = np.float32(-1e4)
"""Bias of a label without an image."""


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
        starts: to try with each: words, nothing. Of words the start itself is tried, too: zero-shot.
    """

    encoder: ImageEncoder
    strengths: tuple[float, ...] = (0.1, 1.0, 10.0)
    starts: tuple[str, ...] = ("words", "nothing")
    name: ClassVar[str] = "head"
    reads: ClassVar[Reads] = Reads.EMBEDDING

    def train(
        self, labels: tuple[str, ...], examples: Examples, validation: Examples, on_progress: Progress
    ) -> Trained:
        """One fit per fold, start and strength; what is kept has the least loss on held-out images, or hardly more."""
        # The matrices are small: on a busy machine threads wait for each other fifty times as long as they compute.
        with threadpool_limits(1):
            return self._train(labels, examples, validation, on_progress)

    def _train(
        self, labels: tuple[str, ...], examples: Examples, validation: Examples, on_progress: Progress
    ) -> Trained:
        words = _start(self.encoder, labels)
        starts = {"words": words, "nothing": np.zeros_like(words)}
        zero_shot = [("words", 0.0)] if "words" in self.starts else []
        tries = [*zero_shot, *((name, strength) for name in self.starts for strength in self.strengths)]
        folds = _folds(examples)
        counts = _counted(examples, validation, folds)
        candidates = []
        for done, (name, strength) in enumerate(tries, start=1):
            head, logits = _cross_fit(labels, examples, folds, strength, starts[name])
            held_out = np.concatenate([logits, head.logits(np.stack(validation.inputs))])
            targets = np.concatenate([examples.targets, validation.targets])
            temperature = fit_temperature(held_out[counts], targets[counts])
            lost = losses(held_out[counts], targets[counts], temperature)
            candidates.append(_Candidate(name, strength, temperature, lost, head, logits))
            on_progress(done, len(tries))
        return _nearest_to_start(candidates).trained()


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A head of all examples, what it was made with, and how its likes did on held-out images.

    Attributes:
        start: a name.
        strength: 0 where the start itself is meant.
        temperature: for its logits.
        losses: of each held-out image that counts, in nats.
        head: not cooled.
        logits: of each example, by a head that saw no image of its group.
    """

    start: str
    strength: float
    temperature: float
    losses: npt.NDArray[np.float64]
    head: LinearClassifier
    logits: npt.NDArray[np.float32]

    def trained(self) -> Trained:
        chosen: dict[str, str | float] = {
            "start": self.start,
            "strength": self.strength,
            "temperature": self.temperature,
            "held_out_loss": float(self.losses.mean()),
        }
        out_of_fold = np.asarray(softmax(self.logits / self.temperature, axis=1), np.float32)
        return Trained(
            self.head.cooled(self.temperature), chosen, out_of_fold if np.isfinite(out_of_fold).all() else None
        )


def _nearest_to_start(candidates: Sequence[_Candidate]) -> _Candidate:
    """The first that loses no more than the best, give or take one standard error (Breiman et al. 1984, section 3.4.3).

    Held-out images are few: what seems best is often what fits their chance.
    """
    best = min(candidates, key=lambda candidate: candidate.losses.mean())
    differences = ((candidate, candidate.losses - best.losses) for candidate in candidates)
    return next(candidate for candidate, more in differences if more.mean() <= more.std() / np.sqrt(len(more)))


def predict_out_of_fold(
    labels: tuple[str, ...], examples: Examples, groups: LabelNumbers, strength: float = 10.0
) -> Probabilities:
    """Each image's probabilities from a head that saw no image of its group; at least two groups are needed."""
    grouped = Examples(examples.inputs, examples.targets, groups)
    nothing = np.zeros((len(examples.inputs[0]), len(labels)), np.float32)
    with threadpool_limits(1):
        logits = _out_of_fold(labels, grouped, _folds(grouped), strength, nothing)
    return np.asarray(softmax(logits, axis=1), np.float32)


_Folds: TypeAlias = Sequence[tuple[LabelNumbers, LabelNumbers]]
"""Places of the images that are learnt from, and of those held out."""


def _folds(examples: Examples) -> _Folds:
    """Whole groups are held out; no fold where all are one."""
    groups = np.arange(len(examples.targets)) if examples.groups is None else examples.groups
    count = min(_FOLDS, len(np.unique(groups)))
    return list(GroupKFold(count).split(groups, examples.targets, groups)) if count > 1 else []


def _counted(examples: Examples, validation: Examples, folds: _Folds) -> npt.NDArray[np.bool_]:
    """Which of both choose: those held out that the encoder has not learned from, or all that are held out.

    No head can know a label of which its fold has no image left: such an image says nothing of start and strength.
    """
    is_held_out = np.zeros(len(examples.targets) + len(validation.targets), np.bool_)
    is_held_out[len(examples.targets) :] = True
    for seen, held_out in folds:
        is_held_out[held_out] = np.isin(examples.targets[held_out], examples.targets[seen])
    both = is_held_out & np.concatenate([_unseen(part) for part in (examples, validation)])
    return both if both.any() else is_held_out


def _unseen(part: Examples) -> npt.NDArray[np.bool_]:
    return np.ones(len(part.targets), np.bool_) if part.is_unseen is None else part.is_unseen


def _cross_fit(
    labels: tuple[str, ...], examples: Examples, folds: _Folds, strength: float, start: Embeddings
) -> tuple[LinearClassifier, npt.NDArray[np.float32]]:
    """The head of all examples, and each example's logits by one that saw no image of its group."""
    logits = _out_of_fold(labels, examples, folds, strength, start)
    return _fit(labels, np.stack(examples.inputs), examples.targets, strength, start), logits


def _out_of_fold(
    labels: tuple[str, ...], examples: Examples, folds: _Folds, strength: float, start: Embeddings
) -> npt.NDArray[np.float32]:
    """Logits, images x labels; nan where there are no folds."""
    vectors = np.stack(examples.inputs)
    logits = np.full((len(vectors), len(labels)), np.nan, np.float32)
    for seen, held_out in folds:
        logits[held_out] = _fit(labels, vectors[seen], examples.targets[seen], strength, start).logits(
            vectors[held_out]
        )
    return logits


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
