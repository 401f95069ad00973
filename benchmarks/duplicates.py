"""Duplicates: how fast hashes are searched, and how well copies of photos are told from other photos.

    python benchmarks/duplicates.py [--photos FOLDER] [--count 100] [--imagededup PYTHON] [--write docs/benchmarks.md]

`--imagededup` is the interpreter of an environment of its own that has imagededup; without it only ours is measured.
"""

import argparse
import io
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from page import write_section
from photo_copies import ALTERATIONS, original
from PIL import Image

from image_assets.compute.engine import SerialEngine
from image_assets.imaging.derivatives import DerivativeParams
from image_assets.imaging.inspect import InspectParams
from image_assets.lake.object_store import LocalObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.checkpoints import locate_checkpoint
from image_assets.models.encoder import ImageEncoder, Placement
from image_assets.models.encoder_loading import load_encoder
from image_assets.samples.products import draw_product, sample_products
from image_assets.search.near_duplicates import Hashes, HashPool, pairs_within, turned
from image_assets.steps.bronze import take_in_day
from image_assets.steps.duplicate_links import DuplicateParams
from image_assets.steps.duplicates import find_duplicates
from image_assets.steps.embeddings import embed_day
from image_assets.steps.silver import derive_day
from image_assets.tables.duplicates import DUPLICATE_IMAGES
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES

MARKERS = ("<!-- duplicates: written by benchmarks/duplicates.py -->", "<!-- /duplicates -->")
DAYS = date(2026, 1, 1), date(2026, 1, 2)
RADIUS = DuplicateParams().max_bits
THRESHOLDS = range(0, 33, 2)

# Run by the other interpreter: hashes of all files of a folder, and the seconds that 20,000 hashes take.
_PEER_HASHES = """
import pathlib, sys
from imagededup.methods import PHash
hasher = PHash()
for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.jpg")):
    print("HASH", path.relative_to(sys.argv[1]).as_posix(), hasher.encode_image(image_file=str(path)))
"""
_PEER_SEARCH = """
import pathlib, sys, time
from imagededup.methods import PHash
hashes = dict(enumerate(pathlib.Path(sys.argv[1]).read_text().split()))
began = time.perf_counter()
found = PHash().find_duplicates(
    encoding_map={str(name): value for name, value in hashes.items()}, max_distance_threshold=int(sys.argv[2])
)
print("SECONDS", time.perf_counter() - began, "PAIRS", sum(map(len, found.values())))
"""


@dataclass(frozen=True, slots=True)
class Score:
    """How well copies were traced to their originals; both from 0 to 1."""

    precision: float
    recall: float


def search_table(imagededup: str | None) -> Iterator[str]:
    """Speed and memory of the search, and what a comparison one by one says of it."""
    rng = np.random.default_rng(1)
    pool, new = (rng.integers(0, 2**64, count, dtype=np.uint64) for count in (5_000_000, 10_000))
    new[:500] = pool[:500] ^ np.uint64(0b1011)
    yield "| search | seconds, build | seconds, search | of them CPU | pairs |"
    yield "|---|---:|---:|---:|---:|"
    began = time.perf_counter()
    prepared = HashPool(pool, RADIUS)
    build_s = time.perf_counter() - began
    for name, variants in (("upright", [new]), ("in eight turns", [new, *turned(new)])):
        cpu_s, wall_s, pairs = timed(lambda: sum(prepared.pairs(variant).new.size for variant in variants))  # noqa: B023
        what = f"10,000 among 5 million within {RADIUS} bits, {name}"
        yield f"| {what} | {build_s:.1f} | {wall_s:.1f} | {cpu_s:.1f} | {pairs:,} |"
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = prepared.pairs(new[400:600])
    wanted = sum(int((np.bitwise_count(pool ^ value) <= RADIUS).sum()) for value in new[400:600])
    yield ""
    yield f"Peak memory of the process {peak_mb:,.0f} MB, with all libraries and 40 MB of hashes. Compared one by one,"
    yield f"200 of the new hashes have {wanted:,} pairs; the search found {found.new.size:,}."
    yield ""
    yield from _against_peer(pool[:20_000], imagededup)


def _against_peer(hashes: Hashes, imagededup: str | None) -> Iterator[str]:
    _, own_s, own = timed(lambda: pairs_within(hashes, hashes, RADIUS).new.size - hashes.size)
    if imagededup is None:
        return
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(f"{value:016x}" for value in hashes.tolist()))
        file.flush()
        told = run_peer(imagededup, _PEER_SEARCH, file.name, str(RADIUS))
    _, seconds, _, pairs = next(line for line in told if line.startswith("SECONDS")).split()
    yield f"All pairs of 20,000 hashes: {own_s:.2f} s, {own} found; imagededup {float(seconds):.2f} s, {pairs} found: "
    yield f"{float(seconds) / own_s:.0f} times."


def timed(work: Callable[[], int]) -> tuple[float, float, int]:
    """Processor seconds, wall seconds, result."""
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    result = work()
    return time.process_time() - cpu_s, time.perf_counter() - wall_s, result


def run_peer(python: str, program: str, *arguments: str) -> list[str]:
    """What a program prints under the other interpreter."""
    done = subprocess.run([python, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def drawn_photos(count: int) -> Iterator[Image.Image]:
    """Every product twice, as two pieces: alike, and not the same photo."""
    rng = np.random.default_rng(1)
    for _ in range(count // 2):
        product = sample_products(rng)
        yield from (draw_product(product, rng, (450, 600)) for _ in range(2))


def photos_of(folder: Path, count: int) -> Iterator[Image.Image]:
    """Photos evenly taken from what lies below the folder."""
    paths = sorted(folder.rglob("*.jpg"))
    return (Image.open(path).convert("RGB") for path in paths[:: max(1, len(paths) // count)][:count])


def land(root: Path, photos: Iterator[Image.Image]) -> None:
    """Originals on the first day, copies on the second; the folder tells the alteration, the name the photo."""
    for number, photo in enumerate(photos):
        for name, alter in (("original", original), *ALTERATIONS.items()):
            path = root / "landing" / DAYS[name != "original"].isoformat() / name / f"{number:05}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(alter(photo))


def traced(root: Path, encoder: ImageEncoder | None) -> list[tuple[str, str]]:
    """What our steps make of the lake: file and canonical file, of every duplicate."""
    tables = ParquetTables(LocalObjectStore(root))
    described = load_builtin().description if encoder is None else encoder.description
    for day in DAYS:
        take_in_day(tables, day, InspectParams(), SerialEngine(), chunk_size=512)
        derive_day(tables, day, DerivativeParams(), SerialEngine(), wanted=[SILVER_IMAGES], chunk_size=512)
        if encoder is not None:
            embed_day(tables, day, encoder, chunk_size=512)
        find_duplicates(tables, day, described, DuplicateParams(), chunk_size=512)
    names = pl.concat([tables.read(BRONZE_IMAGES, day).select("image_id", file="source_uri") for day in DAYS])
    rows = pl.concat([tables.read(DUPLICATE_IMAGES, day) for day in DAYS]).filter(pl.col("kind") != "unique")
    rows = rows.join(names, on="image_id").join(
        names.rename({"image_id": "canonical_id"}), on="canonical_id", suffix="_of"
    )
    # What was traced to another copy of its photo only is neither found nor wrong.
    return [
        (file, other)
        for file, other in rows.select("file", "file_of").rows()
        if alteration(other) == "original" or photo_number(file) != photo_number(other)
    ]


def load_builtin() -> ImageEncoder:
    """The encoder that is shipped."""
    return load_encoder(locate_checkpoint("builtin", None), Placement("auto", "auto", None))


def photo_number(file: str) -> str:
    """Which photo a file shows."""
    return file.rpartition("/")[2]


def alteration(file: str) -> str:
    """What was done to it."""
    return file.split("/")[-2]


def scored(pairs: Sequence[tuple[str, str]], count: int) -> dict[str, Score]:
    """Of pairs of a file and an original that it was taken for: by alteration, and over all of them."""
    scores = {}
    for name in (*ALTERATIONS, "all"):
        mine = [pair for pair in pairs if name in (alteration(pair[0]), "all")]
        right = sum(photo_number(file) == photo_number(other) for file, other in mine)
        copies = count * (len(ALTERATIONS) if name == "all" else 1)
        scores[name] = Score(right / len(mine) if mine else 1.0, right / copies)
    return scores


def peer_pairs(root: Path, python: str) -> Mapping[int, list[tuple[str, str]]]:
    """By threshold, what imagededup's hash takes for an original."""
    lines = [line.split() for line in run_peer(python, _PEER_HASHES, str(root / "landing")) if line.startswith("HASH")]
    files = [name for _, name, _ in lines]
    hashes = np.array([int(value, 16) for *_, value in lines], dtype=np.uint64)
    originals = [index for index, file in enumerate(files) if alteration(file) == "original"]
    found = {}
    for bits in THRESHOLDS:
        near = np.bitwise_count(hashes[:, None] ^ hashes[originals]) <= bits
        found[bits] = [
            (files[row], files[originals[column]])
            for row, column in np.argwhere(near)
            if row not in originals or row > originals[column]
        ]
    return found


def quality_tables(title: str, photos: Iterator[Image.Image], imagededup: str | None) -> Iterator[str]:
    """Precision and recall of ours with and without vectors, and of the peer at two thresholds."""
    with tempfile.TemporaryDirectory() as folder:
        land(Path(folder), photos)
        count = len(list((Path(folder) / "landing" / DAYS[0].isoformat() / "original").iterdir()))
        columns = {"without vectors": scored(traced(Path(folder), None), count)}
        columns["with vectors"] = scored(traced(Path(folder), load_builtin()), count)
        if imagededup is not None:
            peer = {bits: scored(pairs, count) for bits, pairs in peer_pairs(Path(folder), imagededup).items()}
            reached = [bits for bits in THRESHOLDS if peer[bits]["all"].recall >= columns["with vectors"]["all"].recall]
            equal = reached[0] if reached else THRESHOLDS[-1]
            columns["imagededup PHash, 10 bits"] = peer[10]
            columns[f"imagededup PHash, {equal} bits"] = peer[equal]
    yield f"### {title} ({count} photos, {count * len(ALTERATIONS):,} copies): precision / recall"
    yield ""
    yield f"| copy | {' | '.join(columns)} |"
    yield f"|---|{'---:|' * len(columns)}"
    for name in (*ALTERATIONS, "all"):
        cells = (f"{scores[name].precision:.3f} / {scores[name].recall:.3f}" for scores in columns.values())
        yield f"| {name.replace('_', ' ')} | {' | '.join(cells)} |"
    yield ""


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="a folder of JPEGs")
    parser.add_argument("--count", type=int, default=100, help="photos of each kind")
    parser.add_argument("--imagededup", help="the interpreter of an environment with imagededup")
    parser.add_argument("--write", type=Path, help="a Markdown page with a section for these tables")
    arguments = parser.parse_args()
    buffer = io.StringIO()

    def say(lines: Iterator[str]) -> None:
        for line in lines:
            print(line, flush=True)
            buffer.write(f"{line}\n")

    say(iter(["## Duplicates", ""]))
    say(search_table(arguments.imagededup))
    say(iter([""]))
    say(quality_tables("Drawn photos", drawn_photos(arguments.count), arguments.imagededup))
    if arguments.photos:
        photos = photos_of(arguments.photos, arguments.count)
        say(quality_tables("Photos of the folder", photos, arguments.imagededup))
    if arguments.write:
        write_section(arguments.write, MARKERS, buffer.getvalue().rstrip())


if __name__ == "__main__":
    main()
