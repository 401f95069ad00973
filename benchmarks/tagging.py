"""What the confidence of a tag is worth: fits the temperatures and thresholds of a vocabulary for an encoder.

    python -m benchmarks.tagging --photos DIR [--encoder NAME] [--vocabulary FILE]

Products: the photos of DIR/manifest.csv whose split is "validation", by their label. Colours: those of them with a
measured main colour. Patterns: pictures drawn by the workshop. Half of the pictures fit the temperature, the other half
measure it, both ways round, so no picture is judged by a temperature that it helped to choose.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from benchmarks.page import write_section
from image_assets.models.classifiers.calibration import fit_temperature
from image_assets.models.classifiers.metrics import score
from image_assets.models.encoders.encoder import Embeddings, ImageEncoder, Placement
from image_assets.models.encoders.lazy_encoder import open_encoder
from image_assets.models.zero_shot.tagging import Tagger
from image_assets.models.zero_shot.vocabulary import SHIPPED_VOCABULARY, Calibration, Kind, Vocabulary, read_vocabulary
from workshop.builtin.drawn_pictures import draw_pictures
from workshop.builtin.photos import LabelledPixels, read_photos

MARKERS = ("<!-- tagging: written by benchmarks/tagging.py -->", "<!-- /tagging -->")
PHOTO_SIZE_PX, DRAWN, SEED = 512, 400, 20261101
THRESHOLDS = np.arange(0.3, 1.0, 0.05)
HEAD = """## Tags

Right tags per hundred given ones (precision) and per hundred pictures (recall) of the encoder `{encoder}`, temperature
and expected calibration error (ECE) from two halves that judge each other; the first threshold that meets the goal of
{goal:.0%} precision. A kind that never meets it shows its best.

| kind | pictures | accuracy | temperature | ECE before | ECE after | threshold | precision | recall |
|---|---:|---:|---:|---:|---:|---:|---:|---:|"""


def main() -> None:
    """Measure the three kinds that have known answers and replace this benchmark's section of docs/benchmarks.md."""
    options = _options()
    encoder = open_encoder(options.encoder, None, Placement())
    vocabulary = _bare(read_vocabulary(options.vocabulary))
    lines = [HEAD.format(encoder=encoder.description.name, goal=options.goal)]
    for name, vectors, words in _pictures(encoder, options.photos):
        lines.append(_measure(encoder, vocabulary, name, vectors, words, options.goal))
    print("\n".join(lines))
    write_section(Path("docs/benchmarks.md"), MARKERS, "\n".join(lines))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--encoder", default="builtin")
    parser.add_argument("--vocabulary", type=Path, default=SHIPPED_VOCABULARY)
    parser.add_argument("--goal", type=float, default=0.9, help="precision to reach")
    return parser.parse_args()


def _bare(vocabulary: Vocabulary) -> Vocabulary:
    """Every term with its plain confidence."""
    return replace(vocabulary, usual=Calibration(temperature=1.0, threshold=0.0), calibrations={})


def _pictures(encoder: ImageEncoder, folder: Path) -> list[tuple[str, Embeddings, list[str | None]]]:
    photos = read_photos(folder, 1, PHOTO_SIZE_PX).validation
    drawn = draw_pictures(DRAWN, PHOTO_SIZE_PX, SEED)
    photographed, painted = _encode(encoder, photos), _encode(encoder, drawn)
    return [
        ("product", photographed, [each.label for each in photos.descriptions]),
        ("colour", photographed, [each.colour for each in photos.descriptions]),
        ("pattern", painted, [each.pattern for each in drawn.descriptions]),
    ]


def _encode(encoder: ImageEncoder, pictures: LabelledPixels) -> Embeddings:
    return encoder.encode_images(list(pictures.pixels.permute(0, 2, 3, 1).numpy()))


def _measure(
    encoder: ImageEncoder,
    vocabulary: Vocabulary,
    name: str,
    vectors: Embeddings,
    words: Sequence[str | None],
    goal: float,
) -> str:
    (kind,) = (kind for kind in vocabulary.kinds if kind.name == name)
    tags = [term.tag for term in kind.terms]
    answered = [(row, _tag_of(kind, word)) for row, word in enumerate(words) if word]
    rows = [row for row, tag in answered if tag]
    targets = np.array([tags.index(tag) for _, tag in answered if tag])
    logits = _logits(Tagger(encoder, replace(vocabulary, kinds=(kind,))), vectors[rows], tags)
    halves = np.arange(len(targets)) % 2
    fitted = np.empty_like(logits)
    for half in (0, 1):
        temperature = fit_temperature(logits[halves != half], targets[halves != half])
        fitted[halves == half] = softmax(logits[halves == half] / temperature, axis=1)
    temperature = fit_temperature(logits, targets)
    before, after = score(softmax(logits, axis=1), targets), score(fitted, targets)
    threshold, precision, recall = _threshold(fitted[:, :-1], targets, goal)
    return (
        f"| {name} | {len(targets)} | {after.accuracy:.3f} | {temperature:.2f} | {before.calibration_error:.3f} "
        f"| {after.calibration_error:.3f} | {threshold:.2f} | {precision:.3f} | {recall:.3f} |"
    )


def _tag_of(kind: Kind, word: str) -> str | None:
    return next((term.tag for term in kind.terms if word.lower() in term.phrases), None)


def _logits(tagger: Tagger, vectors: Embeddings, tags: Sequence[str]) -> npt.NDArray[np.float32]:
    """Logarithms of the plain confidences, pictures x (tags and the anchor)."""
    confidences = np.zeros((len(vectors), len(tags) + 1))
    for row, found in enumerate(tagger.tag(vectors)):
        for tag in found:
            confidences[row, tags.index(tag.name)] = tag.confidence
    confidences[:, -1] = 1 - confidences.sum(axis=1)
    return np.asarray(np.log(np.maximum(confidences, 1e-12)), dtype=np.float32)


def _threshold(
    confidences: npt.NDArray[np.float32], targets: npt.NDArray[np.int_], goal: float
) -> tuple[float, float, float]:
    """The first threshold that meets the goal, else the one that comes nearest: itself, precision and recall."""
    best, is_right = confidences.max(axis=1), confidences.argmax(axis=1) == targets
    found = []
    for threshold in THRESHOLDS:
        given = best >= threshold
        if given.sum() >= 10:
            found.append((float(threshold), float(is_right[given].mean()), float((given & is_right).mean())))
    return next((each for each in found if each[1] >= goal), max(found, key=lambda each: each[1]))


if __name__ == "__main__":
    main()
