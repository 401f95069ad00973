"""How fast hashes are searched, and that no pair is missed.

    python benchmarks/duplicates_search.py [--imagededup PYTHON] [--rounds 3] [--write docs/benchmarks.md]

`--imagededup` is the interpreter of an environment that has what `duplicates_imagededup.py` asks for.
"""

import argparse
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from page import write_section

from image_assets.search.near_duplicates import Hashes, HashPool, pairs_within, turned
from image_assets.steps.duplicates.candidates import TURNED_BITS
from image_assets.steps.duplicates.links import DuplicateParams

MARKERS = ("<!-- duplicates search: written by benchmarks/duplicates_search.py -->", "<!-- /duplicates search -->")
PEER = Path(__file__).with_name("duplicates_imagededup.py")
RADIUS = DuplicateParams().max_bits
POOL, NEW, PLANTED = 5_000_000, 10_000, 500
SMALL, SMALL_PLANTED = 20_000, 1_000


@dataclass(frozen=True, slots=True)
class Effort:
    """What one search took and found."""

    wall_s: float
    cpu_s: float
    pairs: int


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--imagededup", help="the interpreter of an environment with imagededup")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", type=Path, help="a Markdown page with a section for these numbers")
    arguments = parser.parse_args()
    load = f"Medians of {arguments.rounds} rounds in turns; load of the machine at the start {os.getloadavg()[0]:.1f}."
    lines = ["## Search of hashes", "", load, "", *large_search(arguments.rounds)]
    if arguments.imagededup:
        lines += ["", *against_imagededup(arguments.imagededup, arguments.rounds)]
    section = "\n".join(lines)
    print(section)
    if arguments.write:
        write_section(arguments.write, MARKERS, section)


def large_search(rounds: int) -> Iterator[str]:
    """A day of new hashes among a large pool, and some of them compared one by one."""
    rng = np.random.default_rng(1)
    pool, new = random_hashes(rng, POOL), random_hashes(rng, NEW)
    new[:PLANTED] = brought_near(pool[:PLANTED], rng)
    prepared = HashPool(pool, RADIUS)
    efforts = in_turns(
        {
            "preparing the pool": lambda: len([HashPool(pool, RADIUS)]),
            "upright": lambda: prepared.pairs(new).new.size,
            f"turned in seven ways, {TURNED_BITS} bits": lambda: sum(
                prepared.pairs(hashes, TURNED_BITS).new.size for hashes in turned(new)
            ),
        },
        rounds,
    )
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield f"| {NEW:,} hashes among {POOL:,} within {RADIUS} bits | wall s | CPU s | pairs |"
    yield "|---|---:|---:|---:|"
    for name, effort in efforts.items():
        pairs = f"{effort.pairs:,}" if effort.pairs > 1 else ""
        yield f"| {name} | {effort.wall_s:.1f} | {effort.cpu_s:.1f} | {pairs} |"
    some = new[PLANTED - 100 : PLANTED + 100]
    wanted = sum(int((np.bitwise_count(pool ^ value) <= RADIUS).sum()) for value in some)
    yield ""
    yield f"Peak memory of the process {peak_mb:,.0f} MB, with all libraries and two prepared pools."
    yield f"Compared one by one, {some.size} of the new hashes have {wanted:,} pairs;"
    yield f"the search found {prepared.pairs(some).new.size:,}."


def against_imagededup(python: str, rounds: int) -> Iterator[str]:
    """All pairs of hashes, some of which were made near to others."""
    rng = np.random.default_rng(2)
    hashes = random_hashes(rng, SMALL)
    hashes[-SMALL_PLANTED:] = brought_near(hashes[:SMALL_PLANTED], rng)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(f"{value:016x}" for value in hashes.tolist()))
        file.flush()
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(measured(lambda: pairs_within(hashes, hashes, RADIUS).new.size - SMALL))
            theirs.append(peer_search(python, Path(file.name)))
    yield f"All pairs of {SMALL:,} hashes within {RADIUS} bits, {SMALL_PLANTED:,} of them made near to others."
    yield "Wall time; imagededup works on all processors, ours on one."
    yield ""
    yield "| | median s | least s | times ours | pairs, from both sides |"
    yield "|---|---:|---:|---:|---:|"
    own_s = median(effort.wall_s for effort in ours)
    for name, efforts in (("ours", ours), ("imagededup", theirs)):
        middle, least = median(effort.wall_s for effort in efforts), min(effort.wall_s for effort in efforts)
        yield f"| {name} | {middle:.2f} | {least:.2f} | {middle / own_s:.0f} | {efforts[0].pairs:,} |"


def peer_search(python: str, hashes: Path) -> Effort:
    """The time of its search alone, without its imports."""
    command = [python, str(PEER), "search", str(hashes), str(RADIUS)]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    return Effort(float(told[-2]), float("nan"), int(told[-1]))


def in_turns(works: Mapping[str, Callable[[], int]], rounds: int) -> dict[str, Effort]:
    """The median of each, taken in turns so that a busy minute strikes all."""
    efforts: dict[str, list[Effort]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            efforts[name].append(measured(work))
    return {
        name: Effort(median(each.wall_s for each in some), median(each.cpu_s for each in some), some[0].pairs)
        for name, some in efforts.items()
    }


def measured(work: Callable[[], int]) -> Effort:
    """One run of it."""
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    pairs = work()
    return Effort(time.perf_counter() - wall_s, time.process_time() - cpu_s, pairs)


def random_hashes(rng: np.random.Generator, count: int) -> Hashes:
    """Evenly spread, which real ones are not."""
    return rng.integers(0, 2**64, count, dtype=np.uint64)


def brought_near(hashes: Hashes, rng: np.random.Generator) -> Hashes:
    """The same with 0 to 12 bits flipped, anywhere."""
    bits = np.argsort(rng.random((hashes.size, 64)), axis=1)[:, :12].astype(np.uint64)
    is_flipped = np.arange(12) < rng.integers(0, 13, hashes.size)[:, None]
    return hashes ^ np.where(is_flipped, np.uint64(1) << bits, np.uint64(0)).sum(axis=1, dtype=np.uint64)


if __name__ == "__main__":
    main()
