"""Whether fine-tuning pays where labels are enough: a head and a fine-tuned network of one encoder, and what it takes.

    python -m benchmarks.fine_tuning --photos DIR [--from NAME...] [--write PAGE]

Photos are those of DIR/manifest.csv (columns file, label, user_id, split). Both learn from the split `train`, of which
the photos of a seventh of the users choose; the split `validation` judges.
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.active_learning import Photos, paths_of, read_photos
from benchmarks.few_labels import PhotoFiles
from benchmarks.page import write_section
from image_assets.models.classifiers.classifier import Examples
from image_assets.models.classifiers.fine_tuning import FineTuner, FineTuningParams
from image_assets.models.classifiers.head_trainer import HeadTrainer
from image_assets.models.classifiers.paired_test import compare_pairs
from image_assets.models.encoders.encoder import Placement
from image_assets.models.encoders.lazy_encoder import open_encoder

CHOOSES = 7
HEAD = """## Fine-tuning where labels are enough

{learnt} photos to learn from, {judges} others to judge by, which no start has learned from. `builtin` has learned from
the former: its vectors say of them already what a network could learn. The interval is that of the difference, p that
of McNemar's exact test.

| start | head | fine-tuned | difference | p | kept epoch | minutes |
|---|---:|---:|---:|---:|---:|---:|"""


def main() -> None:
    """Measure and print, or write into a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--from", dest="starts", nargs="+", default=["builtin"], help="encoders of builtin's kind")
    parser.add_argument("--write", type=Path, help="a page of results")
    asked = parser.parse_args()
    files, rows = PhotoFiles(paths_of(asked.photos)), []
    for start in asked.starts:
        photos = read_photos(asked.photos, start, None)
        rows.append(_row(start, photos, files))
    judges = int(photos.is_unseen.sum())
    section = "\n".join([HEAD.format(learnt=f"{len(files) - judges:,}", judges=judges), *rows])
    if asked.write:
        write_section(asked.write, ("<!-- fine-tuning -->", "<!-- end of fine-tuning -->"), section)
    else:
        print(section)


def _row(start: str, photos: Photos, files: PhotoFiles) -> str:
    places = np.arange(len(files))
    users = np.unique(photos.users, return_inverse=True)[1]
    chooses = users % CHOOSES == 0
    split = [np.flatnonzero(~photos.is_unseen & ~chooses), np.flatnonzero(~photos.is_unseen & chooses)]
    judges = places[photos.is_unseen]
    targets = photos.targets[judges]
    of_vectors = [Examples(list(photos.vectors[part]), photos.targets[part], users[part]) for part in split]
    of_pixels = [replace(each, inputs=files.at(part)) for each, part in zip(of_vectors, split, strict=True)]
    head = HeadTrainer(open_encoder(start, None, Placement())).train(photos.labels, *of_vectors, lambda *_: None)
    begun = time.monotonic()
    tuned = FineTuner(FineTuningParams(start)).train(photos.labels, *of_pixels, _tell)
    minutes = (time.monotonic() - begun) / 60
    by_head = head.classifier.probabilities(list(photos.vectors[judges])).argmax(axis=1) == targets
    by_tuned = tuned.classifier.probabilities(files.at(judges)).argmax(axis=1) == targets
    test = compare_pairs(int((by_tuned & ~by_head).sum()), int((by_head & ~by_tuned).sum()), len(targets))
    difference = f"{test.difference:+.3f} ({test.low:+.3f} to {test.high:+.3f})"
    told = [f"{by_head.mean():.3f}", f"{by_tuned.mean():.3f}", difference, f"{test.p_value:.2g}"]
    return f"| {Path(start).name} | {' | '.join(told)} | {tuned.parameters['epoch']} | {minutes:.1f} |"


def _tell(done: int, total: int) -> None:
    print(f"\r{done} of {total} steps", end="", file=sys.stderr)


if __name__ == "__main__":
    main()
