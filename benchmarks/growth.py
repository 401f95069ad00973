"""How the steps of a day grow with its images: processor time and memory, with rows that stand for pictures.

    python benchmarks/growth.py --sizes 1000,5000,20000,50000,200000

Uploads are empty files, and what is said of pictures is made up, so that what is measured is the steps themselves:
listing, comparing, checkpoints, commits, joins, searches. Each size runs in a process of its own; memory is the peak of
each step. *Exponent*: slope of the logarithm of a step's processor time over that of the images.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from page import write_section

DAY = date(2026, 10, 1)
NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
MARKERS = ("<!-- growth: written by benchmarks/growth.py -->", "<!-- /growth -->")


def main() -> None:
    """Measure every size and replace this benchmark's section of a page."""
    options = _options()
    if options.child:
        print(json.dumps(run_day(Path(options.child))))
        return
    sizes = [int(size) for size in options.sizes.split(",")]
    found = {size: _run_child(size) for size in sizes}
    write_section(options.write, MARKERS, "\n".join(_table(found, sizes)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,5000,20000", help="images per day, separated by commas")
    parser.add_argument("--write", type=Path, default=Path("docs/benchmarks.md"))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args()


def _run_child(size: int) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), size)
        command = [sys.executable, __file__, "--sizes", str(size), "--child", folder]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, list[float]] = json.loads(output.splitlines()[-1])
    print(size, found, flush=True)
    return found


def _table(found: dict[int, dict[str, list[float]]], sizes: Sequence[int]) -> Iterator[str]:
    yield f"| step | exponent | {' | '.join(f'{size:,}: s' for size in sizes)} | peak MB at {sizes[-1]:,} |"
    yield "|---" * (len(sizes) + 3) + "|"
    for step in found[sizes[0]]:
        seconds = [found[size][step][0] for size in sizes]
        slope = np.polyfit(np.log(sizes), np.log(np.maximum(seconds, 1e-3)), 1)[0] if len(sizes) > 1 else math.nan
        shown = " | ".join(f"{each:.2f}" for each in seconds)
        yield f"| {step} | {slope:.2f} | {shown} | {found[sizes[-1]][step][1]:.0f} |"


def fill(root: Path, size: int) -> None:
    """Empty uploads of two hundred users."""
    for number in range(size):
        folder = root / "landing" / DAY.isoformat() / f"user{number % 200}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:07}.jpg").touch()


def run_day(root: Path) -> dict[str, list[float]]:
    """Processor seconds and peak of memory in MB of each step of a day, and of a second run of it all."""
    from steps_of_growth import steps

    measured: dict[str, list[float]] = {}
    for name, step in steps(root):
        measured[name] = _measured(step)
    again = [_measured(step) for _, step in steps(root)]
    measured["all again, unchanged"] = [sum(each[0] for each in again), max(each[1] for each in again)]
    return measured


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
