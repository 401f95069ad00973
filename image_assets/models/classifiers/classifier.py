"""What it means to classify images, and to train what does, whatever computes it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

ClassifierInput: TypeAlias = npt.NDArray[Any]
"""float32, dimension: a unit vector of the encoder; or uint8, rows x columns x 3: pixels; as the classifier reads."""

Probabilities: TypeAlias = npt.NDArray[np.float32]
"""float32, images x labels; every row adds up to 1."""

LabelNumbers: TypeAlias = npt.NDArray[np.intp]
"""The place of each image's label among the labels."""

Progress: TypeAlias = Callable[[int, int], None]
"""Told the steps done and the steps to do."""


class Reads(StrEnum):
    """What a classifier is given of an image."""

    EMBEDDING = "embedding"
    PIXELS = "pixels"


class Classifier(Protocol):
    """Says how probable each label is for an image."""

    @property
    def labels(self) -> tuple[str, ...]:
        """In the order of the columns of `probabilities`."""
        ...

    @property
    def reads(self) -> Reads:
        """What its inputs are."""
        ...

    def probabilities(self, inputs: Sequence[ClassifierInput]) -> Probabilities:
        """One calibrated row per input, in order; `ModelError` for inputs of another kind or dimension."""
        ...

    def files(self) -> Mapping[str, bytes]:
        """Everything that `classifier_files.load_classifier` makes the same classifier from, by file name."""
        ...


@dataclass(frozen=True, slots=True)
class Examples:
    """Labelled images.

    Attributes:
        inputs: read on access where they are pixels, so that a million photos need no memory.
        targets: as long as the inputs.
        groups: images of one number are of one user or near-copies; None: each stands alone.
        is_unseen: whether the encoder has not learned from the image itself; None: from none of them.
    """

    inputs: Sequence[ClassifierInput]
    targets: LabelNumbers
    groups: LabelNumbers | None = None
    is_unseen: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """A new classifier and what was chosen on the way, for the record.

    Attributes:
        classifier: the new one.
        parameters: what was chosen.
        out_of_fold: of each example, by a classifier that learnt from no image of its group; None: not made.
    """

    classifier: Classifier
    parameters: Mapping[str, str | float]
    out_of_fold: Probabilities | None = None


class Trainer(Protocol):
    """Makes a classifier from examples."""

    @property
    def name(self) -> str:
        """As in the setting."""
        ...

    @property
    def reads(self) -> Reads:
        """What the inputs of the examples must be."""
        ...

    def train(
        self, labels: tuple[str, ...], examples: Examples, validation: Examples, on_progress: Progress
    ) -> Trained:
        """Learn from `examples`; what is not learnt (strength, temperature, when to stop) is chosen on held-out images.

        `validation` is held out always; a trainer that is quick may hold out parts of `examples`, too.

        Raises:
            ModelError: what the training starts from is missing or damaged.
        """
        ...


class EpochKeeper(Protocol):
    """Keeps what a training was after its last finished epoch, for when it is killed; one training's at a time."""

    def find(self, key: str) -> bytes | None:
        """What was kept under the key; None: nothing, or another training's, or it was damaged."""
        ...

    def keep(self, key: str, state: bytes) -> None:
        """Replace what was kept, whole or not at all."""
        ...

    def forget(self) -> None:
        """Keep nothing any more."""
        ...
