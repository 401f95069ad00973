"""The questions asked about each training picture, and their true answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from image_assets.imaging.colour_names import COLOURS
from workshop.builtin.sentences import OTHER, PATTERNS, Description


@dataclass(frozen=True, slots=True)
class Question:
    """A closed set of descriptions of which one fits.

    Attributes:
        answers: the descriptions.
        targets: float32, pictures x answers; a row is all zero where the truth is unknown.
        weight: how often it is asked, relative to the others.
    """

    answers: tuple[Description, ...]
    targets: Tensor
    weight: float


def pose_questions(shown: Sequence[Description], labels: Sequence[str]) -> tuple[Question, ...]:
    """What is it, or is it something else? Which colour? Both at once? With a pattern?

    Args:
        shown: what each picture shows.
        labels: of the clothes; the last answer to the first question is that it is none of them.
    """
    whats = [Description(label=label) for label in (*labels, OTHER)]
    colours = [Description(colour=colour) for colour in COLOURS]
    both = [Description(label, colour) for label, colour in product(labels, COLOURS)]
    patterns = [Description(pattern=pattern) for pattern in PATTERNS]
    return (
        _pose(shown, whats, lambda truth: Description(label=truth.label), 1.0),
        _pose(shown, colours, lambda truth: Description(colour=truth.colour), 1.0),
        _pose(shown, both, lambda truth: Description(truth.label, truth.colour), 1.0),
        _pose(shown, patterns, lambda truth: Description(pattern=truth.pattern), 0.7),
    )


def _pose(
    shown: Sequence[Description],
    answers: Sequence[Description],
    answer_of: Callable[[Description], Description],
    weight: float,
) -> Question:
    index_of = {answer: index for index, answer in enumerate(answers)}
    targets = torch.zeros(len(shown), len(answers))
    for row, truth in enumerate(shown):
        column = index_of.get(answer_of(truth))
        if column is not None:
            targets[row, column] = 1
    return Question(tuple(answers), targets, weight)
