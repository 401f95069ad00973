"""A day's silver JPEGs to vectors: ours end to end, the peers, and the forward pass alone, on one device.

    python benchmarks/encoding.py [--photos FOLDER] [--checkpoints builtin,b32] [--write docs/benchmarks.md]

`b32`, `l14` and `siglip` are checkpoints of the real size with random weights, made on the spot; anything else is a
name or a folder. Contestants take turns within every round and have the same precision and batch. On the CPU the
model has one thread and processor time counts, which a busy machine changes least; on a GPU the wall clock counts.
"""

import argparse
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import torch
from encoding_checkpoints import MADE, make_checkpoint
from encoding_contestants import Contestant, Task, contestants, plain_model
from page import write_section
from torch.utils.flop_counter import FlopCounterMode

from image_assets.compute.engine import EngineParams, ProcessEngine
from image_assets.imaging.derivatives import DerivativeParams
from image_assets.imaging.inspect import InspectParams
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.devices import choose_placement, device_name
from image_assets.models.encoders.encoder import Placement
from image_assets.samples.feed import generate_feed
from image_assets.steps.images.bronze import take_in_day
from image_assets.steps.images.silver import derive_day
from image_assets.tables.images import SILVER_IMAGES

MARKERS = ("<!-- encoding: written by benchmarks/encoding.py -->", "<!-- /encoding -->")
DAY = date(2026, 10, 1)
PEAK_TFLOPS = {"H200": 989, "H100": 989, "A100": 312, "L40S": 362, "L4": 121, "T4": 65}
"""Dense bf16 or fp16 matrix arithmetic, as NVIDIA states it."""
INTRODUCTION = """## Encoding

Silver JPEGs (512 px) on disk to vectors of unit length. `image_assets` does a whole day: it reads, decodes, encodes,
checkpoints every 256 images, validates and commits the table; the others keep their vectors in memory. The limit is
the forward pass alone, on tensors that already lie on the device. Same weights, batch and precision for all; on the CPU
one thread for the model, and processor time counts. Medians; weights of `b32` are random, which changes no speed."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds per image, medians over the rounds."""

    cpu_ms: float
    wall_ms: float


def main() -> None:
    """Measure, print, and write where asked to."""
    options = _options()
    if options.device == "cpu":
        torch.set_num_threads(1)
    parts = [INTRODUCTION]
    with tempfile.TemporaryDirectory() as folder:
        fill_lake(Path(folder), options.photos, options.images)
        for name in options.checkpoints.split(","):
            checkpoint = str(make_checkpoint(name, Path(folder))) if name in MADE else name
            wanted = Placement(options.device, options.precision, options.batch_size)
            task = Task(Path(folder), DAY, checkpoint, choose_placement(wanted), options.workers)
            parts.append(measured(name, task, options.rounds))
    section = "\n\n".join(parts)
    print(section)
    if options.write:
        write_section(options.write, MARKERS, section)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="a folder of JPEGs; by default photos are drawn")
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--checkpoints", default="builtin,b32", help="separated by commas")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", type=Path, help="a Markdown page with a section for these tables")
    return parser.parse_args()


def fill_lake(root: Path, photos: Path | None, images: int) -> None:
    """A lake whose day has bronze and silver images."""
    landing = root / "landing" / DAY.isoformat() / "benchmark"
    landing.mkdir(parents=True)
    for number, data in enumerate(itertools.islice(_photos(photos, images), images)):
        (landing / f"{number:06}.jpg").write_bytes(data)
    tables = ParquetTables(LocalObjectStore(root))
    with ProcessEngine(EngineParams()) as engine:
        take_in_day(tables, DAY, InspectParams(), engine, chunk_size=256)
        derive_day(tables, DAY, DerivativeParams(), engine, wanted=[SILVER_IMAGES], chunk_size=256)


def _photos(folder: Path | None, images: int) -> Iterator[bytes]:
    if folder is None:
        yield from (file.data for file in generate_feed([DAY], 2 * images, seed=5))
        return
    paths = sorted(folder.rglob("*.jpg"))
    yield from (path.read_bytes() for path in paths[:: max(1, len(paths) // images)])


def measured(name: str, task: Task, rounds: int) -> str:
    """A table of all contestants."""
    samples: dict[str, list[tuple[float, float]]] = {}
    runs = dict(contestants(task))
    for run in runs.values():
        run()
    for _ in range(rounds):
        for who, run in runs.items():
            samples.setdefault(who, []).append(timed(run))
    images = len(task.files)
    timings = {who: summary(values, images) for who, values in samples.items()}
    return table(name, task, timings)


def timed(run: Contestant) -> tuple[float, float]:
    """Seconds of processor time, of child processes too, and seconds on the wall."""
    before, began = os.times(), time.perf_counter()
    run()
    wall_s, after = time.perf_counter() - began, os.times()
    return sum(after[:4]) - sum(before[:4]), wall_s


def summary(values: list[tuple[float, float]], images: int) -> Timing:
    """Medians per image."""
    cpu_s, wall_s = (statistics.median(column) for column in zip(*values, strict=True))
    return Timing(cpu_s / images * 1000, wall_s / images * 1000)


def table(name: str, task: Task, timings: dict[str, Timing]) -> str:
    """Markdown; ratios first."""
    on_gpu = task.placement.device.startswith("cuda")
    counted = {who: timing.wall_ms if on_gpu else timing.cpu_ms for who, timing in timings.items()}
    limit, own = counted["forward pass alone"], counted["image_assets, a whole day"]
    where = f"{device_name(task.placement.device)}, {task.placement.precision}, batch {task.batch_size}"
    lines = [
        f"### {name} ({where}, {len(task.files)} images)",
        "",
        "| | speed, of the limit | our speed, of theirs | CPU ms per image | wall ms per image |",
        "|---|---:|---:|---:|---:|",
    ]
    for who, timing in sorted(timings.items(), key=lambda entry: counted[entry[0]]):
        ratios = f"{limit / counted[who]:.2f} | {counted[who] / own:.2f}"
        lines.append(f"| {who} | {ratios} | {timing.cpu_ms:.2f} | {timing.wall_ms:.2f} |")
    return "\n".join([*lines, "", arithmetic(task, limit)])


def arithmetic(task: Task, limit_ms: float) -> str:
    """What the forward pass makes of the device."""
    image = torch.rand(1, 3, task.side_px, task.side_px, device=task.placement.device, dtype=task.dtype)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        plain_model(task).get_image_features(pixel_values=image)
    per_image = counter.get_total_flops()
    rate = per_image / limit_ms * 1000
    known = next((peak for part, peak in PEAK_TFLOPS.items() if part in device_name(task.placement.device)), None)
    share = f", {rate / known / 1e12:.0%} of the device's peak" if known else ""
    return f"The forward pass is {per_image / 1e9:.2f} GFLOP per image: {rate / 1e9:.0f} GFLOP/s{share}."


if __name__ == "__main__":
    main()
