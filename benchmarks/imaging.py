"""One photo to silver image, thumbnail and watermarked preview: ours, the peers, and the floor that codecs set.

    python benchmarks/imaging.py [--photos FOLDER] [--rounds 7] [--write docs/benchmarks.md]

Peers that are not installed are left out with a line that says so. Contestants take turns within every round, so
that a busy machine is unfair to all alike; what counts is processor time, which a busy machine changes least.
"""

import argparse
import functools
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from imaging_contestants import Contestant, contestants, floor_of, saved
from PIL import Image

from image_assets.compute.engine import EngineParams, ProcessEngine
from image_assets.imaging.derivatives import DerivativeParams, make_derivatives

BEGIN, END = "<!-- imaging: written by benchmarks/imaging.py -->", "<!-- /imaging -->"
# These work in other processes or threads of their own: only the wall clock sees them.
ELSEWHERE = ("ray", "daft")
INTRODUCTION = """## Imaging

One JPEG to silver image (512 px, JPEG), thumbnail (300 px, WebP) and watermarked preview (1200 px, JPEG).
`image_assets` also verifies every byte, hashes the file, computes the perceptual hash, the measures and the dominant
colours; only the naive loop does about as much. `floor` is a strict decoding at the same scale and the three encodes,
nothing else. A damaged file has 160 of its bytes overwritten. Medians, one processor each, and the least of all rounds,
which a busy machine changes least; ratios are of median processor time, for Ray and Daft, which work out of its sight,
of wall time."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds per photo: medians over the rounds, and the least that a round took."""

    cpu_ms: float
    wall_ms: float
    least_cpu_ms: float


def camera_photo(seed: int) -> bytes:
    """A JPEG of 4000 x 3000 with soft shapes, cloth-like texture and the grain of a phone: about 4 MB."""
    rng = np.random.default_rng(seed)
    shapes = Image.fromarray(rng.integers(40, 216, (12, 16, 3), dtype=np.uint8)).resize(
        (4000, 3000), Image.Resampling.BICUBIC
    )
    rows, columns = np.mgrid[0:3000, 0:4000].astype(np.float32)
    cloth = 10 * np.sin(columns / 3.1 + rows / 11) * np.sin(rows / 2.7 - columns / 13)
    grain = rng.normal(0, 5, (3000, 4000)).astype(np.float32)
    pixels = np.asarray(shapes) + (cloth + grain)[..., None]
    return saved(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)), "JPEG", quality=90)


def measured(photos: Sequence[bytes], named: dict[str, Contestant], rounds: int) -> dict[str, Timing]:
    """Timings by name, the floor among them; contestants take turns."""
    floors = [floor_of(data) for data in photos]
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in (*named, "floor")}
    for _ in range(rounds + 1):
        for name in samples:
            runs = floors if name == "floor" else [named[name]] * len(photos)
            cpu_s, wall_s = time.process_time(), time.perf_counter()
            for run, data in zip(runs, photos, strict=True):
                run(data)
            samples[name].append((time.process_time() - cpu_s, time.perf_counter() - wall_s))
    return {name: summary(values[1:], len(photos), name) for name, values in samples.items()}


def summary(values: Sequence[tuple[float, float]], photos: int, name: str) -> Timing:
    """Ray takes each photo eight times, so that its fixed costs do not hide its work."""
    count = photos * (8 if name.startswith("ray") else 1)
    cpu_ms, wall_ms = ([value / count * 1000 for value in column] for column in zip(*values, strict=True))
    seen_ms = wall_ms if name.startswith(ELSEWHERE) else cpu_ms
    return Timing(statistics.median(seen_ms), statistics.median(wall_ms), min(seen_ms))


def share_refused(run: Contestant, files: Sequence[bytes]) -> float:
    """Part of the files over which the contestant raises."""
    refused = 0
    for data in files:
        try:
            run(data)
        # Foreign decoders raise anything; an answer is what counts here.
        except Exception:  # noqa: BLE001
            refused += 1
    return refused / len(files)


def damaged(photos: Sequence[bytes], seed: int) -> list[bytes]:
    """Each with 160 bytes of its pixels overwritten."""
    rng, files = random.Random(seed), []
    for data in photos:
        at = rng.randrange(len(data) // 4, len(data) - 400)
        files.append(data[:at] + rng.randbytes(160) + data[at + 160 :])
    return files


def photos_per_second(photos: Sequence[bytes], workers: int) -> float:
    """Through the process engine, warm."""
    work = functools.partial(make_derivatives, params=DerivativeParams())
    with ProcessEngine(EngineParams(workers=workers)) as engine:
        list(engine.map(work, photos[: 2 * workers]))
        began = time.perf_counter()
        done = sum(1 for _ in engine.map(work, photos))
        return done / (time.perf_counter() - began)


def table(title: str, timings: dict[str, Timing], refused: dict[str, float]) -> str:
    """Markdown; ratios first."""
    own, floor = timings["image_assets"].cpu_ms, timings["floor"].cpu_ms
    lines = [
        f"### {title}",
        "",
        "| | of our time | of the floor | CPU ms | least CPU ms | wall ms | damaged files refused |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, timing in sorted(timings.items(), key=lambda entry: entry[1].cpu_ms):
        seen = f"{refused[name]:.0%}" if name in refused else ""
        ratios = f"{timing.cpu_ms / own:.2f} | {timing.cpu_ms / floor:.2f}"
        times = f"{timing.cpu_ms:.1f} | {timing.least_cpu_ms:.1f} | {timing.wall_ms:.1f}"
        lines.append(f"| {name} | {ratios} | {times} | {seen} |")
    return "\n".join(lines)


def write_section(path: Path, section: str) -> None:
    """Put the section between its markers and leave the rest of the page alone."""
    page = path.read_text() if path.exists() else "# Benchmarks\n\n" + BEGIN + END + "\n"
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n{section}\n{END}{after or chr(10)}")


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="a folder of JPEGs; 40 of them are taken")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--write", type=Path, help="a Markdown page with a section for these tables")
    arguments = parser.parse_args()
    sets = {"Generated photos of 12 megapixels": [camera_photo(seed) for seed in range(3)]}
    if arguments.photos:
        paths = sorted(arguments.photos.glob("*.jpg"))
        sets["Photos of the folder"] = [path.read_bytes() for path in paths[:: max(1, len(paths) // 40)][:40]]
    named = dict(contestants())
    parts = [INTRODUCTION]
    for title, photos in sets.items():
        refused = {
            name: share_refused(run, damaged(photos * (40 // len(photos)), seed=1))
            for name, run in named.items()
            if not name.startswith(ELSEWHERE) and len(photos) > 3
        }
        parts.append(table(f"{title} ({len(photos)})", measured(photos, named, arguments.rounds), refused))
        one, two = (photos_per_second(photos * (60 // len(photos)), workers) for workers in (1, 2))
        parts.append(f"Photos a second with one worker process {one:.1f}, with two {two:.1f}: {two / one:.2f} times.")
    section = "\n\n".join(parts)
    print(section)
    if arguments.write:
        write_section(arguments.write, section)


if __name__ == "__main__":
    main()
