"""How far few labels reach: zero-shot, a head from the words, a head from nothing, and what the trainer picks.

    python -m benchmarks.few_labels --photos DIR [--encoder NAME] [--vectors FILE] [--write docs/benchmarks.md]

Photos are those of DIR/manifest.csv (columns file, label, user_id, split). Half of the users are learnt from; those
photos of the others judge that the encoder has not learned from. Once the labels are called by their names, and once by
words that the encoder does not know.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.active_learning import Photos, read_photos
from benchmarks.page import write_section
from image_assets.models.classifiers.classifier import Examples
from image_assets.models.classifiers.head_trainer import HeadTrainer
from image_assets.models.classifiers.metrics import score
from image_assets.models.encoders.encoder import ImageEncoder, Placement
from image_assets.models.encoders.lazy_encoder import open_encoder

COUNTS, SEEDS, VALIDATES = (5, 20, 100), 5, 5
NONSENSE: Final = (
    "zorg",
    "blick",
    "fnurp",
    "quax",
    "dwim",
    "plonk",
    "grok",
    "snarf",
    "wibble",
    "yoyle",
    "vrox",
    "tunk",
)
HEAD = """## Few labels, {name}

Accuracy on photos that the encoder has not learned from, of users of whom nothing was learnt: {test} photos in {labels}
labels, means of {seeds} seeds with their standard deviation. *Trainer* is what `image-assets train` does: it picks
start and strength by cross-validation. *Nonsense* has the same labels called by words that the encoder does not know.

| labels a class | names | zero-shot | head from words | head from nothing | trainer |
|---:|---|---:|---:|---:|---:|"""


def main() -> None:
    """Measure and print, or write into a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--encoder", default="builtin")
    parser.add_argument("--vectors", type=Path, help="an .npz file that the vectors are kept in between calls")
    parser.add_argument("--write", type=Path, help="a page of results")
    asked = parser.parse_args()
    encoder = open_encoder(asked.encoder, None, Placement("cpu"))
    section = _section(encoder, read_photos(asked.photos, asked.encoder, asked.vectors))
    if asked.write:
        write_section(asked.write, ("<!-- few labels -->", "<!-- end of few labels -->"), section)
    else:
        print(section)


def _section(encoder: ImageEncoder, photos: Photos) -> str:
    found: dict[tuple[int, str], list[tuple[float, ...]]] = defaultdict(list)
    tests = []
    for seed in range(SEEDS):
        source = np.random.default_rng(seed)
        users = source.permutation(np.unique(photos.users))
        learns = np.isin(photos.users, users[::2])
        judges = ~learns & photos.is_unseen
        tests.append(int(judges.sum()))
        for count in COUNTS:
            chosen = np.concatenate([*_drawn(photos, learns, count, source)])
            for names in ("words", "nonsense"):
                found[count, names].append(_accuracies(encoder, photos, chosen, judges, names))
    lines = [f"| {count} | {names} | {' | '.join(_cells(rows))} |" for (count, names), rows in found.items()]
    test, labels = f"{np.mean(tests):.0f}", len(photos.labels)
    head = HEAD.format(name=encoder.description.name, test=test, labels=labels, seeds=SEEDS)
    return "\n".join([head, *lines])


def _drawn(
    photos: Photos, learns: npt.NDArray[np.bool_], count: int, source: np.random.Generator
) -> Iterator[npt.NDArray[np.intp]]:
    """So many photos of each label, those first that the encoder has not learned from."""
    for label in range(len(photos.labels)):
        places = source.permutation(np.flatnonzero(learns & (photos.targets == label)))
        yield places[np.argsort(~photos.is_unseen[places], kind="stable")][:count]


def _accuracies(
    encoder: ImageEncoder,
    photos: Photos,
    chosen: npt.NDArray[np.intp],
    judges: npt.NDArray[np.bool_],
    names: str,
) -> tuple[float, ...]:
    """Zero-shot, from words, from nothing, as the trainer picks."""
    labels = photos.labels if names == "words" else NONSENSE[: len(photos.labels)]
    # Every class validates, as splits are balanced by class.
    validates = np.arange(len(chosen)) % VALIDATES == 0
    parts = [_examples(photos, part) for part in (chosen[~validates], chosen[validates])]
    strengths = HeadTrainer(encoder).strengths
    trainers = [
        HeadTrainer(encoder, strengths=()),
        HeadTrainer(encoder, strengths, starts=("words",)),
        HeadTrainer(encoder, strengths, starts=("nothing",)),
        HeadTrainer(encoder),
    ]
    heads = [trainer.train(labels, *parts, lambda *_: None).classifier for trainer in trainers]
    inputs, right = list(photos.vectors[judges]), photos.targets[judges]
    return tuple(score(head.probabilities(inputs), right).accuracy for head in heads)


def _examples(photos: Photos, part: npt.NDArray[np.intp]) -> Examples:
    groups = np.unique(photos.users, return_inverse=True)[1]
    return Examples(list(photos.vectors[part]), photos.targets[part], groups[part], photos.is_unseen[part])


def _cells(rows: list[tuple[float, ...]]) -> Iterator[str]:
    values = np.array(rows)
    for mean, spread in zip(values.mean(axis=0), values.std(axis=0), strict=True):
        yield f"{mean:.3f} ± {spread:.3f}"


if __name__ == "__main__":
    main()
