"""How many decisions reach which accuracy: in random order, by doubt alone, and in the order of the review queue.

    python -m benchmarks.active_learning --photos DIR [--encoder NAME] [--vectors FILE] [--write docs/benchmarks.md]

Photos are those of DIR/manifest.csv (columns file, label, user_id and, for an encoder that has learnt from some of
them, split). A person decides as the manifest says; after every few decisions a head is trained as `image-assets train`
does, but without the encoder's words for the labels: they would know the answer before anybody decides. The encoder
`edges` is no model: counts of directions of edges and of colours, as before networks (Dalal and Triggs 2005).
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import polars as pl
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.page import write_section
from image_assets.labels import normalise_label
from image_assets.models.classifiers.classifier import Classifier, Examples
from image_assets.models.classifiers.head_trainer import HeadTrainer
from image_assets.models.encoders.encoder import EncoderDescription, ImageEncoder, Placement
from image_assets.models.encoders.lazy_encoder import open_encoder
from image_assets.search.spread import spread_by_likeness
from image_assets.steps.classification.review_order import POOL, spread_doubtful

EDGES = "edges"
PHOTO_SIZE_PX, EDGES_SIZE_PX, CELL_PX, DIRECTIONS = 512, 96, 16, 9
TEST_SHARE, VALIDATES = 0.25, 6
STRENGTHS = (1.0, 10.0, 100.0)
LEVELS = (0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.975, 1.0)
INK: Final = {"random": "#999999", "least confidence": "#c55a11", "margin": "#9dc3e6", "queue": "#1f4e79"}
HEAD = """## Decisions to an accuracy, {name}

{photos} photos in {labels} labels to ask about, {test} others to judge by, {judges}. A head after every {batch}
decisions; medians of {seeds} seeds. `queue` is the order of `image-assets reviews` and `/v1/reviews`; *of random* is
how many of random's decisions it needs. With every photo decided the accuracy is {everything:.3f}: the first column is
shares of that.

| accuracy | random | least confidence | margin | queue | of random |
|---:|---:|---:|---:|---:|---:|"""

Vectors = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Photos:
    """Vectors of unit length with the number of each label, whose each is, and which its encoder has not seen."""

    vectors: Vectors
    targets: Places
    labels: tuple[str, ...]
    users: npt.NDArray[np.str_]
    is_unseen: npt.NDArray[np.bool_]

    @property
    def unseen(self) -> "Photos":
        """Those alone."""
        some = self.is_unseen
        return Photos(self.vectors[some], self.targets[some], self.labels, self.users[some], some[some])


@dataclass(frozen=True, slots=True)
class Wordless:
    """An encoder that has no words for any label, so that a head starts from nothing."""

    description: EncoderDescription
    logit_scale: float = 1.0

    def knows(self, _: str) -> bool:
        """No."""
        return False


@dataclass(frozen=True, slots=True)
class Left:
    """What can be asked about, by their vectors, and what was decided before.

    Attributes:
        vectors: of photos that nobody has decided.
        decided: of the others.
        doubts: 0..1, how close the second label comes to the first; None without a model.
        sureness: 0..1, of the first label; None without a model.
    """

    vectors: Vectors
    decided: Vectors
    doubts: Vectors | None
    sureness: Vectors | None


Pick = Callable[[np.random.Generator, Left], Places]
"""Places of what is left, in the order in which it is asked about."""


def pick_random(rng: np.random.Generator, left: Left) -> Places:
    """Whatever comes."""
    return rng.permutation(len(left.vectors))


def pick_least_sure(rng: np.random.Generator, left: Left) -> Places:
    """The least probable first label first."""
    return pick_random(rng, left) if left.sureness is None else np.argsort(left.sureness, kind="stable")


def pick_by_margin(rng: np.random.Generator, left: Left) -> Places:
    """The most doubtful first."""
    return pick_random(rng, left) if left.doubts is None else np.argsort(-left.doubts, kind="stable")


def pick_as_queue(rng: np.random.Generator, left: Left) -> Places:
    """As `review_order` does."""
    order = pick_by_margin(rng, left)
    pool, known = order[:POOL], left.decided[-2 * POOL :]
    if left.doubts is None:
        spread = spread_by_likeness(left.vectors[pool], known)
    else:
        spread = spread_doubtful(left.vectors[pool], left.doubts[pool], known)
    return np.concatenate([pool[spread], order[POOL:]])


PICKS: Final[Mapping[str, Pick]] = {
    "random": pick_random,
    "least confidence": pick_least_sure,
    "margin": pick_by_margin,
    "queue": pick_as_queue,
}


def decide(
    photos: Photos, pick: Pick, pool: Places, test: Places, rng: np.random.Generator, steps: Sequence[int]
) -> list[float]:
    """Accuracy on the test photos after so many decisions."""
    left, decided, reached = pool.copy(), np.empty(0, np.intp), []
    doubts = sureness = None
    for wanted in steps:
        places = pick(rng, Left(photos.vectors[left], photos.vectors[decided], doubts, sureness))
        places = places[: wanted - len(decided)]
        decided, left = np.concatenate([decided, left[places]]), np.delete(left, places)
        classifier = learn(photos, decided)
        second, sureness = np.sort(classifier.probabilities(list(photos.vectors[left])), axis=1)[:, -2:].T
        doubts = 1 - sureness + second
        reached.append(accuracy(photos, classifier, test))
    return reached


def learn(photos: Photos, decided: Places) -> Classifier:
    """As `image-assets train`: of what is decided a part chooses strength and temperature."""
    chooses = np.arange(len(decided)) % VALIDATES == VALIDATES - 1
    taught, held_out = (
        Examples(list(photos.vectors[part]), photos.targets[part]) for part in (decided[~chooses], decided[chooses])
    )
    dimension = photos.vectors.shape[1]
    encoder = Wordless(EncoderDescription("wordless", "1", dimension, 1, "none", "vectors alone"))
    trainer = HeadTrainer(encoder, STRENGTHS)  # type: ignore[arg-type]
    return trainer.train(photos.labels, taught, held_out, lambda _done, _total: None).classifier


def accuracy(photos: Photos, classifier: Classifier, test: Places) -> float:
    """0..1."""
    guesses = classifier.probabilities(list(photos.vectors[test])).argmax(axis=1)
    return float((guesses == photos.targets[test]).mean())


def divide(photos: Photos, rng: np.random.Generator) -> tuple[Places, Places]:
    """Photos to ask about and to judge by: what the encoder has not seen, else those of a quarter of the users."""
    is_test = photos.is_unseen
    if is_test.all():
        users = rng.permutation(np.unique(photos.users))
        is_test = np.isin(photos.users, users[: int(len(users) * TEST_SHARE)])
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def read_photos(folder: Path, encoder: str, kept: Path | None) -> Photos:
    """Photos of the manifest; vectors come from the file, where it is there, and are kept in it."""
    manifest = pl.read_csv(folder / "manifest.csv", infer_schema=False)
    names = np.array([normalise_label(label) for label in manifest["label"]])
    labels, targets = np.unique(names, return_inverse=True)
    has_seen = encoder != EDGES and "split" in manifest.columns
    unseen = manifest["split"].to_numpy() == "validation" if has_seen else np.ones(len(names), np.bool_)
    users = manifest["user_id"].to_numpy().astype(str)
    if kept and kept.exists():
        vectors = np.load(kept)["vectors"]
    else:
        vectors = _encode(paths_of(folder), encoder)
        if kept:
            np.savez(kept, vectors=vectors)
    return Photos(vectors, targets, tuple(labels.tolist()), users, unseen)


def paths_of(folder: Path) -> list[Path]:
    """The files of the manifest, in its order."""
    files = pl.read_csv(folder / "manifest.csv", columns=["file"], infer_schema=False)["file"]
    return [folder / file if (folder / file).exists() else folder / "images" / file for file in files]


def _encode(paths: Sequence[Path], name: str) -> Vectors:
    if name == EDGES:
        return np.stack([_edges_and_colours(read_picture(path, EDGES_SIZE_PX)) for path in paths])
    encoder: ImageEncoder = open_encoder(name, None, Placement())
    batches = [paths[start : start + 64] for start in range(0, len(paths), 64)]
    return np.concatenate([encoder.encode_images([read_picture(path) for path in batch]) for batch in batches])


def read_picture(path: Path, side_px: int | None = None) -> npt.NDArray[np.uint8]:
    """As a square of that side, or no longer than a cleansed image."""
    with Image.open(path) as image:
        image.draft("RGB", (PHOTO_SIZE_PX, PHOTO_SIZE_PX))
        picture = image.convert("RGB")
    if side_px:
        return np.asarray(picture.resize((side_px, side_px), Image.Resampling.BICUBIC))
    picture.thumbnail((PHOTO_SIZE_PX, PHOTO_SIZE_PX))
    return np.asarray(picture)


def _edges_and_colours(pixels: npt.NDArray[np.uint8]) -> Vectors:
    """Directions of edges by cell, and shares of 64 colours; of unit length."""
    luma = pixels.mean(axis=2) / 255
    down, across = np.gradient(luma)
    strength = np.hypot(down, across)
    direction = np.minimum(np.mod(np.arctan2(down, across), np.pi) / np.pi * DIRECTIONS, DIRECTIONS - 1).astype(np.intp)
    cells = np.arange(EDGES_SIZE_PX) // CELL_PX
    numbers = (cells[:, None] * (cells[-1] + 1) + cells) * DIRECTIONS + direction
    edges = np.sqrt(np.bincount(numbers.ravel(), strength.ravel(), (cells[-1] + 1) ** 2 * DIRECTIONS))
    colours = np.sqrt(np.bincount((pixels // 64 @ np.array([16, 4, 1])).ravel(), minlength=64))
    both = np.concatenate([edges / np.linalg.norm(edges), colours / np.linalg.norm(colours) / 2])
    return np.asarray(both / np.linalg.norm(both), np.float32)


def first_at(steps: Sequence[int], reached: Sequence[float], wanted: float) -> int | None:
    """After how many decisions an accuracy is reached."""
    return next((step for step, value in zip(steps, reached, strict=True) if value >= wanted), None)


def table_of(steps: Sequence[int], curves: Mapping[str, Sequence[float]], everything: float) -> list[str]:
    """A line per accuracy that anybody reaches, in shares of what all decisions together reach."""
    lines = []
    for level in LEVELS:
        needed = {name: first_at(steps, curve, level * everything) for name, curve in curves.items()}
        of_random = f"{needed['queue'] / needed['random']:.0%}" if needed["queue"] and needed["random"] else ""
        shown = " | ".join(str(needed[name] or f"over {steps[-1]}") for name in PICKS)
        if any(needed.values()):
            lines.append(f"| {level * everything:.3f} ({level:.1%}) | {shown} | {of_random} |")
    return lines


def draw(path: Path, steps: Sequence[int], curves: Mapping[str, Sequence[float]], everything: float) -> None:
    """The curves as SVG, the same bytes for the same numbers."""
    with mpl.rc_context({"svg.hashsalt": "image_assets", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.subplots()
        for name, curve in curves.items():
            axes.plot(steps, curve, color=INK[name], label=name, linewidth=2 if name == "queue" else 1.2)
        axes.axhline(everything, color="#cccccc", linestyle="--", linewidth=1, label="every photo decided")
        axes.set(xlabel="decisions", ylabel="accuracy")
        axes.legend(frameon=False, loc="lower right")
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(path, format="svg", metadata={"Date": None})


def main() -> None:
    """Measure, print, and write where asked to."""
    options = _options()
    photos = read_photos(options.photos, options.encoder, options.vectors)
    photos = photos.unseen if options.unseen else photos
    name = f"{options.encoder}-unseen" if options.unseen else options.encoder
    steps = range(options.batch, options.most + 1, options.batch)
    curves: dict[str, list[list[float]]] = {name: [] for name in PICKS}
    alls, sizes = list[float](), (0, 0)
    for seed in range(options.seeds):
        pool, test = divide(photos, np.random.default_rng(seed))
        sizes = len(pool), len(test)
        alls.append(accuracy(photos, learn(photos, np.random.default_rng(seed).permutation(pool)), test))
        for order, pick in PICKS.items():
            curves[order].append(decide(photos, pick, pool, test, np.random.default_rng(seed), steps))
            print(seed, order, " ".join(f"{value:.3f}" for value in curves[order][-1]), flush=True)
    medians = {order: np.median(runs, axis=0).tolist() for order, runs in curves.items()}
    judges = _judges(photos, options.encoder)
    head = HEAD.format(
        name=name,
        photos=f"{sizes[0]:,}",
        test=f"{sizes[1]:,}",
        labels=len(photos.labels),
        judges=judges,
        batch=options.batch,
        seeds=options.seeds,
        everything=float(np.median(alls)),
    )
    lines = [*head.splitlines(), *table_of(steps, medians, float(np.median(alls)))]
    print("\n".join(lines))
    if options.write:
        picture = f"active-learning-{name}.svg"
        draw(options.write.parent / "pictures" / picture, steps, medians, float(np.median(alls)))
        lines += ["", f"![Accuracy against decisions, {name}](pictures/{picture})"]
        mark = f"active learning {name}"
        markers = f"<!-- {mark}: written by benchmarks/active_learning.py -->", f"<!-- /{mark} -->"
        write_section(options.write, markers, "\n".join(lines))


def _judges(photos: Photos, encoder: str) -> str:
    if not photos.is_unseen.all():
        return f"all of which {encoder} sees for the first time; it has learnt from those to ask about"
    return "of other users" if encoder == EDGES else f"of other users; {encoder} sees all of them for the first time"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--encoder", default="builtin", help="a name or a folder; or edges, which is no model")
    parser.add_argument("--vectors", type=Path, help="an .npz file that the vectors are kept in between calls")
    parser.add_argument("--unseen", action="store_true", help="only photos that the encoder has not learnt from")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=20, help="decisions between two trainings")
    parser.add_argument("--most", type=int, default=400, help="decisions")
    parser.add_argument("--write", type=Path, help="a page of results; the curves go beside it, into pictures/")
    return parser.parse_args()


if __name__ == "__main__":
    main()
