"""What a training counted, what is too few, and what to label next: in plain words."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from image_assets.models.classifiers.metrics import Scores
from image_assets.steps.classification.forecast import ENOUGH

_FEW: Final = 20
"""Images of a label; with fewer the accuracy still climbs steeply: `benchmarks/few_labels.py`."""

_NAMED: Final = 3


def advise(taught: Mapping[str, int], left_out: Mapping[str, tuple[int, int]], held_out: Scores) -> tuple[str, ...]:
    """Sentences, the most useful next thing last.

    Args:
        taught: images to learn from, by label; in the order of the confusion matrix.
        left_out: labels with too few, with how many there are to learn from and in all.
        held_out: on images that the encoder has not learned from.
    """
    return (
        f"counted {sum(taught.values()):,} images of {len(taught)} labels to learn from",
        *_too_few(taught, left_out),
        *([] if held_out.images >= ENOUGH else [_few_to_judge_by(held_out.images)]),
        *_confused(list(taught), held_out),
    )


def _too_few(taught: Mapping[str, int], left_out: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    if left_out:
        told = ", ".join(f"{label} ({images})" for label, (_, images) in left_out.items())
        yield f"not taught, because there are too few: {told}; label more of them first"
    if few := sorted((images, label) for label, images in taught.items() if images < _FEW):
        told = ", ".join(f"{label} ({images})" for images, label in few)
        yield f"few to learn from, fewer than {_FEW}: {told}; each further image of these helps most"


def _few_to_judge_by(images: int) -> str:
    return (
        f"only {images:,} labelled images are new to the encoder, {ENOUGH} are needed to judge by: label photos that "
        "it has not learned from, of several users"
    )


def _confused(labels: list[str], held_out: Scores) -> Iterator[str]:
    """The labels that lose most images to another."""
    wrong = held_out.confusion * (1 - np.eye(len(labels), dtype=np.intp))
    for place in np.argsort(-wrong, axis=None, kind="stable")[:_NAMED]:
        given, said = divmod(int(place), len(labels))
        if (images := int(wrong[given, said])) > 1:
            everything = int(held_out.confusion[given].sum())
            yield (
                f"{images} of {everything} {labels[given]} are taken for {labels[said]}: label more of both, and look "
                "whether their labels are right"
            )
