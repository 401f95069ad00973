"""How far few labels reach: zero-shot, a head from the words, from nothing, as the trainer picks, and fine-tuning.

    python -m benchmarks.few_labels --photos DIR [--encoder NAME] [--seeds N] [--vectors FILE] [--write PAGE]

Photos are those of DIR/manifest.csv (columns file, label, user_id, split). Half of the users are learnt from; those
photos of the others judge that the encoder has not learned from. Once the labels are called by their names, and once by
words that the encoder does not know. Fine-tuning starts from the same encoder.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, overload

import numpy as np
import numpy.typing as npt

from benchmarks.active_learning import Photos, paths_of, read_photos, read_picture
from benchmarks.page import write_section
from image_assets.models.classifiers.classifier import ClassifierInput, Examples
from image_assets.models.classifiers.fine_tuning import FineTuner, FineTuningParams
from image_assets.models.classifiers.head_trainer import HeadTrainer
from image_assets.models.classifiers.metrics import score
from image_assets.models.encoders.encoder import ImageEncoder, Placement
from image_assets.models.encoders.lazy_encoder import open_encoder

COUNTS, VALIDATES = (5, 20, 100), 5
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
start and strength by cross-validation. *Fine-tuned* is `IMAGE_ASSETS_TRAINER=fine-tune` from the same encoder, which
begins as the trainer's head. *Nonsense* has the same labels called by words that the encoder does not know.

| labels a class | names | zero-shot | head from words | head from nothing | trainer | fine-tuned |
|---:|---|---:|---:|---:|---:|---:|"""


def main() -> None:
    """Measure and print, or write into a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--encoder", default="builtin")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--vectors", type=Path, help="an .npz file that the vectors are kept in between calls")
    parser.add_argument("--write", type=Path, help="a page of results")
    asked = parser.parse_args()
    encoder = open_encoder(asked.encoder, None, Placement("cpu"))
    files = PhotoFiles(paths_of(asked.photos))
    section = _section(encoder, read_photos(asked.photos, asked.encoder, asked.vectors), files, asked)
    if asked.write:
        write_section(asked.write, ("<!-- few labels -->", "<!-- end of few labels -->"), section)
    else:
        print(section)


@dataclass(frozen=True, slots=True)
class PhotoFiles(Sequence[ClassifierInput]):
    """Pixels of files, read when they are asked for."""

    paths: Sequence[Path]

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, index: int) -> ClassifierInput: ...
    @overload
    def __getitem__(self, index: slice) -> "PhotoFiles": ...
    def __getitem__(self, index: int | slice) -> "ClassifierInput | PhotoFiles":
        return PhotoFiles(self.paths[index]) if isinstance(index, slice) else read_picture(self.paths[index])

    def at(self, places: npt.NDArray[np.intp]) -> "PhotoFiles":
        """Some of them, in that order."""
        return PhotoFiles([self.paths[place] for place in places])


def _section(encoder: ImageEncoder, photos: Photos, files: PhotoFiles, asked: argparse.Namespace) -> str:
    found: dict[tuple[int, str], list[tuple[float, ...]]] = defaultdict(list)
    tests = []
    for seed in range(asked.seeds):
        source = np.random.default_rng(seed)
        users = source.permutation(np.unique(photos.users))
        learns = np.isin(photos.users, users[::2])
        judges = ~learns & photos.is_unseen
        tests.append(int(judges.sum()))
        for count in COUNTS:
            chosen = np.concatenate([*_drawn(photos, learns, count, source)])
            for names in ("words", "nonsense"):
                heads = _accuracies(encoder, photos, chosen, judges, names)
                tuned = _tuned_accuracy(asked.encoder, photos, files, chosen, judges, names)
                found[count, names].append((*heads, tuned))
                print(seed, count, names, *(f"{each:.3f}" for each in found[count, names][-1]), file=sys.stderr)
    lines = [f"| {count} | {names} | {' | '.join(_cells(rows))} |" for (count, names), rows in found.items()]
    test, labels = f"{np.mean(tests):.0f}", len(photos.labels)
    head = HEAD.format(name=encoder.description.name, test=test, labels=labels, seeds=asked.seeds)
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
    labels = _labels(photos, names)
    parts = [_examples(photos, part) for part in _parts(chosen)]
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


def _tuned_accuracy(
    start: str,
    photos: Photos,
    files: PhotoFiles,
    chosen: npt.NDArray[np.intp],
    judges: npt.NDArray[np.bool_],
    names: str,
) -> float:
    """Of a network that was fine-tuned on the same photos."""
    parts = [replace(_examples(photos, part), inputs=files.at(part)) for part in _parts(chosen)]
    tuned = FineTuner(FineTuningParams(start)).train(_labels(photos, names), *parts, lambda *_: None).classifier
    answers = tuned.probabilities(files.at(np.flatnonzero(judges)))
    return score(answers, photos.targets[judges]).accuracy


def _labels(photos: Photos, names: str) -> tuple[str, ...]:
    return photos.labels if names == "words" else NONSENSE[: len(photos.labels)]


def _parts(chosen: npt.NDArray[np.intp]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """What is learnt from and what validates: every class does, as splits are balanced by class."""
    validates = np.arange(len(chosen)) % VALIDATES == 0
    return chosen[~validates], chosen[validates]


def _examples(photos: Photos, part: npt.NDArray[np.intp]) -> Examples:
    groups = np.unique(photos.users, return_inverse=True)[1]
    return Examples(list(photos.vectors[part]), photos.targets[part], groups[part], photos.is_unseen[part])


def _cells(rows: list[tuple[float, ...]]) -> Iterator[str]:
    values = np.array(rows)
    for mean, spread in zip(values.mean(axis=0), values.std(axis=0), strict=True):
        yield f"{mean:.3f} ± {spread:.3f}"


if __name__ == "__main__":
    main()
