"""How the steps of a day grow with its images: processor time and memory, with rows that stand for pictures.

    python benchmarks/growth.py --sizes 1000,5000,20000,50000,200000
    python benchmarks/growth.py --sizes 1000 --history 10,1000

Uploads are empty files, and what is said of pictures is made up, so that what is measured is the steps themselves:
listing, comparing, checkpoints, commits, joins, searches. Each step of each size runs in a process of its own, whose
peak its memory is. *Exponent*: slope of the logarithm of a step's processor time over that of the images. With
`--history` a day of one size is the newest of so many days of twenty images.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from page import write_section

DAY = date(2026, 10, 1)
MARKERS = ("<!-- growth: written by benchmarks/growth.py -->", "<!-- /growth -->")
OF_HISTORY = ("<!-- history: written by benchmarks/growth.py -->", "<!-- /history -->")

INTRODUCTION = """## Growth

A day of so many images through the steps as they are, with rows that stand for pictures: processor seconds, and each
step's peak of memory in a process of its own, 180 MB of which are its imports (lots of 10,000; `python
benchmarks/growth.py`, beside other work on the two cores). Report, index, gallery and checks grow with the day, the
rest does not. From 100,000 vectors on the index is a graph: until then they are only copied.
"""
HISTORY = """## A new day after many

A day of 1,000 images, in a process of its own, as the newest of so many days of twenty (`python
benchmarks/growth.py --history 10,1000`).
"""


def main() -> None:
    """Measure every size, or every history, and replace its section of a page."""
    options = _options()
    if options.child:
        print(json.dumps(run_steps(Path(options.child), options.step)))
        return
    sizes, histories = ([int(each) for each in asked.split(",") if each] for asked in (options.sizes, options.history))
    if histories:
        found = {days: _run_child(sizes[0], days) for days in histories}
        write_section(options.write, OF_HISTORY, "\n".join([HISTORY, *_table(found, "days before")]))
    else:
        found = {size: _run_child(size) for size in sizes}
        write_section(options.write, MARKERS, "\n".join([INTRODUCTION, *_table(found, "images")]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,5000,20000", help="images per day, separated by commas")
    parser.add_argument("--history", default="", help="days before, separated by commas")
    parser.add_argument("--write", type=Path, default=Path("docs/benchmarks.md"))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--step", help=argparse.SUPPRESS)
    return parser.parse_args()


def _run_child(size: int, history: int = 0) -> dict[str, list[float]]:
    from steps_of_growth import steps

    with tempfile.TemporaryDirectory() as folder:
        fill_history(Path(folder), history)
        fill(Path(folder), DAY, size)
        found = {name: _in_own_process(folder, name) for name, _ in steps(Path(folder), DAY)}
        found["all again, unchanged"] = _in_own_process(folder, None)
    print(size, history, found, flush=True)
    return found


def _in_own_process(folder: str, step: str | None) -> list[float]:
    command = [sys.executable, __file__, "--child", folder, *(["--step", step] if step else [])]
    # What Polars has given back, and the kernel has not taken yet, is no memory that a step needs.
    environment = {**os.environ, "_RJEM_MALLOC_CONF": "background_thread:true,muzzy_decay_ms:0"}
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    found: list[float] = json.loads(output.splitlines()[-1])
    return found


def _table(found: dict[int, dict[str, list[float]]], of: str) -> Iterator[str]:
    numbers = list(found)
    yield f"| step | exponent | {' | '.join(f'{each:,} {of}: s' for each in numbers)} | peak MB at {numbers[-1]:,} |"
    yield "|---" * (len(numbers) + 3) + "|"
    for step in found[numbers[0]]:
        seconds = [found[each][step][0] for each in numbers]
        slope = np.polyfit(np.log(numbers), np.log(np.maximum(seconds, 1e-3)), 1)[0] if len(numbers) > 1 else math.nan
        shown = " | ".join(f"{each:.2f}" for each in seconds)
        yield f"| {step} | {slope:.2f} | {shown} | {found[numbers[-1]][step][1]:.0f} |"
    total = [sum(seconds for seconds, _ in found[each].values()) for each in numbers]
    yield f"| all | | {' | '.join(f'{each:.1f}' for each in total)} | |"


def fill(root: Path, day: date, size: int) -> None:
    """Empty uploads of two hundred users."""
    for number in range(size):
        folder = root / "landing" / day.isoformat() / f"user{number % 200}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:07}.jpg").touch()


def fill_history(root: Path, days: int) -> None:
    """So many days before, of twenty images each."""
    from steps_of_growth import copy_day, steps

    before = [DAY - timedelta(days=back) for back in range(days, 0, -1)]
    if before:
        fill(root, before[0], 20)
        for _, step in steps(root, before[0]):
            step()
        copy_day(root, before[0], before[1:])
        # What is kept of all days was kept of these, too.
        for name, step in steps(root, before[-1]):
            if name in {"duplicates", "vector index", "gallery"}:
                step()


def run_steps(root: Path, chosen: str | None) -> list[float]:
    """Processor seconds and peak of memory in MB of a step of a day, or of a run of it all."""
    from steps_of_growth import steps

    measured = [_measured(step) for name, step in steps(root, DAY) if chosen in {None, name}]
    return [sum(seconds for seconds, _ in measured), max(peak for _, peak in measured)]


def _measured(step: Callable[[], object]) -> list[float]:
    # From here on the kernel counts the peak anew.
    Path("/proc/self/clear_refs").write_text("5")
    before = time.process_time()
    step()
    seconds = time.process_time() - before
    status = Path("/proc/self/status").read_text()
    peak_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return [round(seconds, 3), peak_kb / 1024]


if __name__ == "__main__":
    main()
