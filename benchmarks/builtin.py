"""How good the shipped encoder is: writes the numbers of its model card.

    python -m benchmarks.builtin --photos DIR [--encoder FOLDER] [--write image_assets/models/builtin/README.md]

Measured on the photos of DIR/manifest.csv whose split is "validation", which training keeps aside, on drawn pictures of
a seed that training does not use, and on pictures without clothing of kinds that training does not use.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import softmax
from sklearn.datasets import load_sample_images
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.page import write_section
from image_assets.imaging.colour_names import COLOURS
from image_assets.imaging.pixels import RgbImage
from image_assets.models.classifiers.classifier import Examples
from image_assets.models.classifiers.head_trainer import HeadTrainer
from image_assets.models.encoders.checkpoints import BUILTIN, BUILTIN_SMALL
from image_assets.models.encoders.encoder import Embeddings, ImageEncoder, Placement
from image_assets.models.encoders.lazy_encoder import open_encoder
from image_assets.models.zero_shot.prototypes import noun_of, sentences_about
from workshop.builtin.drawn_pictures import draw_pictures
from workshop.builtin.other_pictures import HELD_OUT as KINDS_HELD_OUT
from workshop.builtin.other_pictures import draw_other_pictures
from workshop.builtin.photos import LabelledPixels, PhotoSplits, read_photos
from workshop.builtin.sentences import PATTERNS

MARKERS = ("<!-- written by benchmarks/builtin.py -->", "<!-- /benchmarks/builtin.py -->")
PHOTO_SIZE_PX, DRAWN, OTHERS, SEED = 256, 600, 100, 20261101
HELD_OUT = 10
EVERYDAY = {
    "sneakers": "shoes",
    "boots": "shoes",
    "jeans": "pants",
    "trousers": "pants",
    "sweater": "longsleeve",
    "pullover": "longsleeve",
    "jacket": "outwear",
    "coat": "outwear",
    "tee": "t-shirt",
    "cap": "hat",
}

Classify: TypeAlias = Callable[[Embeddings], npt.NDArray[np.float32]]
"""Probabilities of the labels for each picture."""


def main() -> None:
    """Measure, print, and write where asked to."""
    options = _options()
    splits = read_photos(options.photos, PHOTO_SIZE_PX, PHOTO_SIZE_PX)
    labels = sorted({shown.label for shown in splits.train.descriptions if shown.label})
    encoder, validation, classify, classes = _classified(options.encoder, splits, labels)
    if options.encoder == BUILTIN:
        classes += "\n" + _classified(BUILTIN_SMALL, splits, labels)[-1].splitlines()[2].replace("all", BUILTIN_SMALL)
    parts = [
        classes,
        _search(encoder, splits.validation, validation),
        _drawn(encoder),
        _others(encoder, labels, validation, classify),
    ]
    section = "\n\n".join(parts)
    print(section)
    if options.write:
        write_section(options.write, MARKERS, section)


def _classified(
    name: str, splits: PhotoSplits, labels: Sequence[str]
) -> tuple[ImageEncoder, Embeddings, Classify, str]:
    """An encoder, its vectors of the photos kept aside, a head on those of the others, and how often both are right."""
    encoder = open_encoder(name, None, Placement(precision="fp32"))
    train, validation = _encode(encoder, splits.train), _encode(encoder, splits.validation)
    classify = _head(encoder, labels, train, _targets(splits.train, labels))
    return (
        encoder,
        validation,
        classify,
        _classes(encoder, labels, _targets(splits.validation, labels), validation, classify),
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--encoder", default="builtin", help="a name or a folder")
    parser.add_argument("--write", type=Path, help="a model card with a section for these tables")
    return parser.parse_args()


def _encode(encoder: ImageEncoder, pictures: LabelledPixels) -> Embeddings:
    return encoder.encode_images(list(pictures.pixels.permute(0, 2, 3, 1).numpy()))


def _classes(
    encoder: ImageEncoder,
    labels: Sequence[str],
    truth: npt.NDArray[np.intp],
    vectors: Embeddings,
    classify: Classify,
) -> str:
    zero_shot, head = vectors @ _prototypes(encoder, labels).T, classify(vectors)
    hits = [scores.argmax(axis=1) == truth for scores in (zero_shot, head)]
    lines = [f"| {len(truth)} photos kept aside, top-1 | zero-shot | head |", "|---|---:|---:|"]
    lines.append("| **all** | " + " | ".join(f"**{each.mean():.3f}**" for each in hits) + " |")
    for index, label in enumerate(labels):
        shares = " | ".join(f"{each[truth == index].mean():.3f}" for each in hits)
        lines.append(f"| {label} ({(truth == index).sum()}) | {shares} |")
    return "\n".join(lines)


def _targets(pictures: LabelledPixels, labels: Sequence[str]) -> npt.NDArray[np.intp]:
    return np.array([labels.index(shown.label or "") for shown in pictures.descriptions])


def _prototypes(encoder: ImageEncoder, labels: Sequence[str]) -> Embeddings:
    """One unit vector per label."""
    means = np.stack([encoder.encode_texts(sentences_about(label)).mean(axis=0) for label in labels])
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True))


def _head(encoder: ImageEncoder, labels: Sequence[str], vectors: Embeddings, targets: npt.NDArray[np.intp]) -> Classify:
    """The classifier that the platform trains by default; every tenth photo chooses its strength."""
    chooses = np.arange(len(targets)) % HELD_OUT == 0
    examples, held_out = (Examples(list(vectors[part]), targets[part]) for part in (~chooses, chooses))
    trained = HeadTrainer(encoder).train(tuple(labels), examples, held_out, lambda _done, _total: None)
    return lambda unseen: trained.classifier.probabilities(list(unseen))


def _search(encoder: ImageEncoder, pictures: LabelledPixels, vectors: Embeddings) -> str:
    """Mean average precision of queries whose right answers are known."""
    shown = pictures.descriptions
    labels = sorted({each.label for each in shown if each.label})
    coloured = {
        f"{each.colour} {noun_of(each.label)}": (each.label, each.colour)
        for each in shown
        if each.label and each.colour
    }
    rows = [
        ("the ten labels", {noun_of(label): [each.label == label for each in shown] for label in labels}),
        ("everyday words", {word: [each.label == label for each in shown] for word, label in EVERYDAY.items()}),
        ("colours", {colour: [each.colour == colour for each in shown] for colour in COLOURS}),
        (
            "colour and label",
            {text: [(each.label, each.colour) == wanted for each in shown] for text, wanted in coloured.items()},
        ),
    ]
    lines = ["| search by text among them | queries | mean average precision |", "|---|---:|---:|"]
    for name, queries in rows:
        asked = {text: right for text, right in queries.items() if sum(right) >= 3}
        scores = encoder.encode_texts(list(asked)) @ vectors.T
        found = [average_precision_score(right, score) for right, score in zip(asked.values(), scores, strict=True)]
        lines.append(f"| {name} | {len(asked)} | {np.mean(found):.3f} |")
    return "\n".join(lines)


def _drawn(encoder: ImageEncoder) -> str:
    pictures = draw_pictures(DRAWN, PHOTO_SIZE_PX, SEED)
    vectors = _encode(encoder, pictures)
    labels = sorted({shown.label for shown in pictures.descriptions if shown.label})
    asked = [
        ("category", [shown.label for shown in pictures.descriptions], labels, _prototypes(encoder, labels)),
        *(
            (name, [getattr(shown, name) for shown in pictures.descriptions], words, _words(encoder, words))
            for name, words in (("colour", COLOURS), ("pattern", PATTERNS))
        ),
    ]
    lines = [f"| {DRAWN} drawn pictures, top-1 | |", "|---|---:|"]
    for name, truth, words, prototypes in asked:
        guesses = (vectors @ prototypes.T).argmax(axis=1)
        hits = [words[guess] == word for guess, word in zip(guesses, truth, strict=True) if word]
        lines.append(f"| {name} | {np.mean(hits):.3f} |")
    return "\n".join(lines)


def _others(encoder: ImageEncoder, labels: Sequence[str], clothes: Embeddings, classify: Classify) -> str:
    """Whether clothes score higher than pictures without clothing, of kinds that training has not met."""
    prototypes = _prototypes(encoder, labels)
    scores: dict[str, Callable[[Embeddings], npt.NDArray[np.float64]]] = {
        "largest cosine to a label": lambda vectors: (vectors @ prototypes.T).max(axis=1),
        "confidence, zero-shot": lambda vectors: softmax(encoder.logit_scale * vectors @ prototypes.T, axis=1).max(
            axis=1
        ),
        "confidence, head": lambda vectors: classify(vectors).max(axis=1),
    }
    others = {
        kind: _encode(encoder, draw_other_pictures(OTHERS, PHOTO_SIZE_PX, SEED, (kind,))) for kind in KINDS_HELD_OUT
    }
    others["photo of a temple or a flower"] = encoder.encode_images(_crops_of_photos())
    lines = [f"| AUROC of clothes against | pictures | {' | '.join(scores)} |", "|---|---:|---:|---:|---:|"]
    for kind, vectors in {**others, "**all of them**": np.concatenate(list(others.values()))}.items():
        areas = [_area(score(clothes), score(vectors)) for score in scores.values()]
        lines.append(f"| {kind} | {len(vectors)} | {' | '.join(f'{area:.3f}' for area in areas)} |")
    return "\n".join(lines)


def _crops_of_photos() -> list[RgbImage]:
    """Squares of every size and place out of the two photos that scikit-learn brings."""
    random_source = np.random.default_rng(SEED)
    crops = []
    for photo in load_sample_images().images * (OTHERS // 2):
        side = int(random_source.integers(150, min(photo.shape[:2])))
        top, left = (int(random_source.integers(0, extent - side + 1)) for extent in photo.shape[:2])
        crops.append(photo[top : top + side, left : left + side])
    return crops


def _area(clothes: npt.NDArray[np.float64], others: npt.NDArray[np.float64]) -> float:
    is_clothing = np.r_[np.ones(len(clothes)), np.zeros(len(others))]
    return float(roc_auc_score(is_clothing, np.r_[clothes, others]))


def _words(encoder: ImageEncoder, words: Sequence[str]) -> Embeddings:
    return encoder.encode_texts([f"{word} clothing" for word in words])


if __name__ == "__main__":
    main()
