"""How well copies of photos are told from other photos, at every threshold.

    python -m benchmarks.duplicates [--photos FOLDER] [--same FILE FILE] [--count 100] [--imagededup PYTHON]
                                    [--write docs/benchmarks.md] [--picture docs/pictures/duplicates.png]

All photos of the folder are originals, some of them, evenly taken, get their copies; `--same` names two that show one
photo as they come. `--imagededup` is the interpreter of an environment that has what `duplicates_imagededup.py` asks
for; without it only ours is measured. `duplicates_search.py` measures how fast hashes are searched.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.drawn_pages import draw_pages
from benchmarks.duplicates_contestants import Contestant, clean, imagededup, ours
from benchmarks.duplicates_curves import Curve, draw_curves
from benchmarks.page import write_section
from benchmarks.photo_copies import ALTERATIONS, original
from image_assets.models.encoders.checkpoints import locate_checkpoint
from image_assets.models.encoders.encoder import Placement
from image_assets.models.encoders.encoder_loading import load_encoder
from workshop.drawing.products import draw_product, sample_products

MARKERS = ("<!-- duplicates: written by benchmarks/duplicates.py -->", "<!-- /duplicates -->")
DAYS = date(2026, 1, 1), date(2026, 1, 2)
EVERYTHING = ("original", *ALTERATIONS)
INTRODUCTION = """## Duplicates

Which pairs of pictures show one photo. imagededup's CNN runs with EfficientNet-Lite0 trained on ImageNet, because the
weights of its own MobileNet have to be downloaded."""
UPRIGHT = [name for name in EVERYTHING if name not in {"flipped", "turned", "upside_down", "turned_by_exif"}]
SIZE = (450, 600)


@dataclass(frozen=True, slots=True)
class Gallery:
    """Originals and copies that landed.

    Attributes:
        files: below the landing folder, originals first.
        originals: how many.
        truth: files x originals: whether they show one photo.
        is_asked: files x originals: what counts; each pair of originals once, none with itself.
    """

    files: Sequence[str]
    originals: int
    truth: npt.NDArray[np.bool_]
    is_asked: npt.NDArray[np.bool_]

    @property
    def alterations(self) -> npt.NDArray[np.str_]:
        """What was done to each file."""
        return np.array([Path(file).parent.name for file in self.files])


@dataclass(frozen=True, slots=True)
class Score:
    """How well pairs were told: precision and recall from 0 to 1, and how many pairs are of two photos."""

    precision: float
    recall: float
    wrong: int


def main() -> None:
    """Measure, print, and write where asked to."""
    arguments = _arguments()
    sets = {"drawn photos": drawn_photos(arguments.count), "pages of few layouts": draw_pages(arguments.pages)}
    if arguments.photos:
        sets["photos of the folder"] = photos_of(arguments.photos, arguments.count)
    lines, curves = [INTRODUCTION, ""], {}
    for title, photos in sets.items():
        with tempfile.TemporaryDirectory() as folder:
            gallery = land(Path(folder), photos, arguments.same or [])
            contestants = compete(Path(folder), gallery, arguments.imagededup)
        tables = list(tables_of(title, gallery, contestants))
        print("\n".join(tables), flush=True)
        lines += tables
        curves[title] = [curve(gallery, contestant) for contestant in contestants]
    if arguments.picture:
        draw_curves(curves, arguments.picture)
    if arguments.write:
        if arguments.picture:
            link = os.path.relpath(arguments.picture, arguments.write.parent)
            lines.append(f"![Precision against recall of ours and of imagededup]({link})")
        write_section(arguments.write, MARKERS, "\n".join(lines).rstrip())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="a folder of JPEGs")
    parser.add_argument("--same", nargs=2, action="append", help="two files of the folder that show one photo")
    parser.add_argument("--count", type=int, default=100, help="photos of each kind that get copies")
    parser.add_argument("--pages", type=int, default=220, help="pages, a fifth of which get copies")
    parser.add_argument("--imagededup", help="the interpreter of an environment with imagededup")
    parser.add_argument("--write", type=Path, help="a Markdown page with a section for these tables")
    parser.add_argument("--picture", type=Path, help="a PNG of the curves")
    return parser.parse_args()


def drawn_photos(count: int) -> Iterator[tuple[str, bool, Image.Image]]:
    """Name, whether it gets copies, picture: every product twice, as two pieces, alike and not the same photo."""
    rng = np.random.default_rng(1)
    for product_number in range(count // 2):
        product = sample_products(rng)
        for piece in range(2):
            yield f"{product_number:05}-{piece}.jpg", True, draw_product(product, rng, SIZE)


def photos_of(folder: Path, count: int) -> Iterator[tuple[str, bool, Image.Image]]:
    """Every photo below the folder; some, evenly taken, get copies."""
    paths = sorted(folder.rglob("*.jpg"))
    step = max(1, len(paths) // count)
    for number, path in enumerate(paths):
        yield path.name, number % step == 0 and number // step < count, Image.open(path).convert("RGB")


def land(root: Path, photos: Iterator[tuple[str, bool, Image.Image]], same: Sequence[Sequence[str]]) -> Gallery:
    """Originals on the first day, copies on the second; the folder tells the alteration, the name the photo."""
    landing = root / "landing"
    for name, is_copied, photo in photos:
        for alteration, alter in {"original": original, **(ALTERATIONS if is_copied else {})}.items():
            path = landing / DAYS[alteration != "original"].isoformat() / alteration / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(alter(photo))
    files = sorted(path.relative_to(landing).as_posix() for path in landing.rglob("*.jpg"))
    names = np.array([Path(file).name for file in files])
    originals = sum(file.startswith(DAYS[0].isoformat()) for file in files)
    truth = names[:, None] == names[:originals]
    for one, other in same:
        truth |= np.outer(names == one, names[:originals] == other) | np.outer(names == other, names[:originals] == one)
    rows, columns = np.indices(truth.shape)
    return Gallery(files, originals, truth, rows > columns)


def compete(root: Path, gallery: Gallery, python: str | None) -> list[Contestant]:
    """Everyone's judgement of every pair."""
    encoder = load_encoder(locate_checkpoint("builtin", None), Placement("auto", "auto", None))
    tables = clean(root, DAYS, encoder)
    contestants = ours(tables, encoder, DAYS, gallery.files, gallery.originals)
    if python is not None:
        contestants += imagededup(python, root / "landing", gallery.files, gallery.originals)
    return contestants


def score(gallery: Gallery, contestant: Contestant, threshold: float, among: Sequence[str]) -> Score:
    """Of all pairs of a file with one of some alterations and an original."""
    is_asked = gallery.is_asked & np.isin(gallery.alterations, among)[:, None]
    is_told = is_asked & (contestant.nearness >= threshold)
    told, right = int(is_told.sum()), int((is_told & gallery.truth).sum())
    return Score(right / told if told else 1.0, right / max(1, int((is_asked & gallery.truth).sum())), told - right)


def equal_recall(gallery: Gallery, contestant: Contestant, recall: float, among: Sequence[str]) -> float:
    """The strictest threshold that finds as many copies; the loosest that tells anything where none does."""
    is_true = gallery.is_asked & gallery.truth & np.isin(gallery.alterations, among)[:, None]
    values = np.sort(contestant.nearness[is_true])[::-1]
    enough = values[max(0, ceil(recall * values.size) - 1)]
    return float(enough if np.isfinite(enough) else values[np.isfinite(values)].min())


def curve(gallery: Gallery, contestant: Contestant) -> Curve:
    """Precision and recall over all files at every threshold that makes a difference."""
    values, is_true = contestant.nearness[gallery.is_asked], gallery.truth[gallery.is_asked]
    thresholds = np.unique(values[is_true & np.isfinite(values)])[::-1]
    true, every = np.sort(values[is_true]), np.sort(values)
    right = true.size - np.searchsorted(true, thresholds)
    told = every.size - np.searchsorted(every, thresholds)
    at_default = score(gallery, contestant, contestant.default, EVERYTHING)
    return Curve(contestant.name, right / true.size, right / told, (at_default.recall, at_default.precision))


def tables_of(title: str, gallery: Gallery, contestants: Sequence[Contestant]) -> Iterator[str]:
    """By kind of copy at everyone's defaults; then everyone at our recall."""
    mine, *peers = contestants[1:]
    copied = int((gallery.alterations == "resized").sum())
    yield f"### {gallery.originals:,} {title}, {copied:,} of them copied in {len(ALTERATIONS)} ways"
    yield ""
    yield "Precision / recall at everyone's defaults."
    yield ""
    yield f"| copy | ours | {' | '.join(f'{each.name}, {abs(each.default):g}' for each in peers)} |"
    yield f"|---|{'---:|' * (1 + len(peers))}"
    for name, group in {**{name: [name] for name in ALTERATIONS}, "all, and the originals": EVERYTHING}.items():
        scores = (score(gallery, each, each.default, group) for each in (mine, *peers))
        cells = " | ".join(f"{each.precision:.3f} / {each.recall:.3f}" for each in scores)
        yield f"| {name.replace('_', ' ')} | {cells} |"
    wrong = (score(gallery, each, each.default, EVERYTHING).wrong for each in (mine, *peers))
    yield f"| wrong pairs | {' | '.join(f'{number:,}' for number in wrong)} |"
    yield ""
    yield "Everyone's threshold moved until it finds as many copies as ours, or as many as it can."
    yield ""
    yield "| copies | | threshold | recall | precision | wrong pairs |"
    yield "|---|---|---:|---:|---:|---:|"
    for name, group in {"all": EVERYTHING, "neither mirrored nor turned": UPRIGHT}.items():
        wanted = score(gallery, mine, mine.default, group).recall
        for each in (mine, *peers):
            threshold = mine.default if each is mine else equal_recall(gallery, each, wanted, group)
            found = score(gallery, each, threshold, group)
            who = "ours" if each is mine else each.name
            numbers = f"{abs(threshold):.3g} | {found.recall:.3f} | {found.precision:.3f} | {found.wrong:,}"
            yield f"| {name} | {who} | {numbers} |"
    yield ""


if __name__ == "__main__":
    main()
