"""How near silver JPEGs to vectors come to what a GPU can do, and what happens when its memory runs out.

    python benchmarks/encoding_on_gpu.py --photos FOLDER [--write docs/benchmarks.md]

ViT-B/32 and ViT-L/14 of the real size with random weights, in bf16 and fp32, in batches of 32 to 1024, each with all
three ways of IMAGE_ASSETS_EXECUTION. Runs of one batch size take turns; medians of the wall clock. Then
memory is made to run out, and the vectors are held against those before. Any machine runs the same command with
`--device cpu --checkpoints tiny`, which shows that it works and nothing about speed.
"""

import argparse
import itertools
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from encoding import DAY, fill_lake, timed
from encoding_checkpoints import MADE, make_checkpoint
from encoding_contestants import Contestant, Task, forward_alone, whole_day
from encoding_out_of_memory import out_of_memory
from page import write_section

from image_assets.compute.engine import usable_cpus
from image_assets.errors import ConfigurationError
from image_assets.models.encoders.devices import choose_execution, device_name
from image_assets.models.encoders.encoder import Placement

MARKERS = ("<!-- encoding on a gpu: written by benchmarks/encoding_on_gpu.py -->", "<!-- /encoding on a gpu -->")
NO_GPU = (
    "no CUDA device here: nothing was measured. `--device cpu --checkpoints tiny` runs the same command on the "
    "processor, which shows that it works and nothing about speed"
)
INTRODUCTION = """## Encoding on a GPU

{images} silver JPEGs (512 px) on disk to a committed table of vectors, on {device} with {cpus} processors.
The limit is the fastest forward pass alone at that batch size, on tensors that already lie on the device.
Medians of {rounds} rounds."""
HEAD = """| of the limit | batch | execution | images/s | images/s, forward pass alone |
|---:|---:|---|---:|---:|"""


@dataclass(frozen=True, slots=True)
class Speed:
    """Images per second of one way of execution."""

    execution: str
    whole: float
    alone: float


def main() -> None:
    """Measure, print, and write where asked to."""
    options = _options()
    if options.device != "cpu":
        if not torch.cuda.is_available():
            sys.exit(NO_GPU)
        torch.cuda.set_device(options.device)
    with tempfile.TemporaryDirectory() as folder:
        fill_lake(Path(folder), options.photos, options.images)
        section = "\n".join(_lines(Path(folder), options))
    if options.write:
        write_section(options.write, MARKERS, section)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="a folder of JPEGs; by default photos are drawn")
    parser.add_argument("--images", type=int, default=2048)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu")
    parser.add_argument("--checkpoints", type=_listed, default=["b32", "l14"], help=f"names of {', '.join(MADE)}")
    parser.add_argument("--precisions", type=_listed, default=["bf16", "fp32"])
    parser.add_argument("--batch-sizes", type=_sizes, default=[32, 64, 128, 256, 512, 1024])
    parser.add_argument("--executions", type=_listed, default=["eager", "compile", "graphs"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", type=Path, help="a Markdown page with a section for these tables")
    return parser.parse_args()


def _listed(text: str) -> list[str]:
    return text.split(",")


def _sizes(text: str) -> list[int]:
    return sorted(map(int, text.split(",")))


def _lines(folder: Path, options: argparse.Namespace) -> Iterator[str]:
    """The section, line by line, each printed as soon as it is known: the next one may take long."""
    device, executions = device_name(options.device), _executions(options)
    yield _told(INTRODUCTION.format(device=device, cpus=usable_cpus(), images=options.images, rounds=options.rounds))
    for name, precision in itertools.product(options.checkpoints, options.precisions):
        checkpoint = str(make_checkpoint(name, folder))
        yield _told(f"\n### {name}, {precision}\n\n{HEAD}")
        for size in options.batch_sizes:
            placements = [Placement(options.device, precision, size, execution) for execution in executions]
            tasks = [Task(folder, DAY, checkpoint, placement, workers=1) for placement in placements]
            yield _told(rows(size, tasks, options.rounds))
        yield _told(f"\n{out_of_memory(tasks)}")


def _told(line: str) -> str:
    print(line, flush=True)
    return line


def _executions(options: argparse.Namespace) -> list[str]:
    """Those that the device has."""
    possible = []
    for execution in options.executions:
        try:
            possible.append(choose_execution(execution, options.device))
        except ConfigurationError as problem:
            print(f"left out: {problem}", file=sys.stderr)
    return possible


def rows(size: int, tasks: list[Task], rounds: int) -> str:
    """Lines of the table for one batch size; one that says so where the batch does not fit."""
    try:
        found = speeds(tasks, rounds)
    except torch.OutOfMemoryError:
        return f"| | {size} | does not fit | | |"
    limit = max(speed.alone for speed in found)
    return "\n".join(
        f"| {speed.whole / limit:.2f} | {size} | {speed.execution} | {speed.whole:.0f} | {speed.alone:.0f} |"
        for speed in found
    )


def speeds(tasks: list[Task], rounds: int) -> list[Speed]:
    """Medians of runs that take turns."""
    runs: dict[tuple[str, str], Contestant] = {}
    for task in tasks:
        for what, start in (("alone", forward_alone), ("whole", whole_day)):
            run = runs[task.placement.execution, what] = start(task)
            # Compiles and records; right after its sister, with which it shares the model that was loaded last.
            run()
    taken: dict[tuple[str, str], list[float]] = {key: [] for key in runs}
    for _ in range(rounds):
        for key, run in runs.items():
            taken[key].append(timed(run)[1])
    images = len(tasks[0].files)
    rates = {key: images / statistics.median(seconds) for key, seconds in taken.items()}
    names = [task.placement.execution for task in tasks]
    return [Speed(name, rates[name, "whole"], rates[name, "alone"]) for name in names]


if __name__ == "__main__":
    main()
