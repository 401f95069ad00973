"""A year of days through `image-assets run` in one process: what a day costs besides its photos.

    python benchmarks/backfill.py --days 365 --per-day 5            the sample feed
    python benchmarks/backfill.py --days 365 --photos DIR           the photos of a folder, spread over the days

*As one day* is the same run with the same photos in a single day: what is left of the difference is what days cost.
The second pass finds everything current; files it writes nevertheless are counted. A run says that some files are
rejected by its exit code, which is fine here.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from page import write_section

FIRST = date(2025, 10, 1)
GOOD = (0, 2)
SEED = 7


@dataclass(frozen=True, slots=True)
class Pass:
    """One `image-assets run`: its time, of the clock and of the processors, the files it wrote, and Dagster's state."""

    seconds: float
    cpu_s: float
    written: int
    dagster_mb: float


def main() -> None:
    """Measure and replace the section of docs/benchmarks.md."""
    options = _options()
    days = [FIRST + timedelta(days=offset) for offset in range(options.days)]
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        year, day = Path(scratch, "year"), Path(scratch, "day")
        photos = _land(year, days, options)
        _gather(year, day, days[0])
        whole = [_run(year, days[0], days[-1]) for _ in range(2)]
        peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        single = _run(day, days[0], days[0])
    lines = _section(options, photos, whole, single, peak_mb)
    print("\n".join(lines))
    name = f"backfill {'folder' if options.photos else 'feed'}"
    markers = f"<!-- {name}: written by benchmarks/backfill.py -->", f"<!-- /{name} -->"
    write_section(Path("docs/benchmarks.md"), markers, "\n".join(lines))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--photos", type=Path, help="folder of photos; the sample feed by default")
    parser.add_argument("--per-day", type=int, default=5, help="files of the sample feed per day")
    parser.add_argument("--scratch", type=Path, help="folder for temporary files")
    return parser.parse_args()


def _land(home: Path, days: list[date], options: argparse.Namespace) -> int:
    """Lay the photos into the landing zone of a lake; say how many."""
    home.mkdir()
    shutil.copy("dagster.yaml", home)
    photos = 0
    for day, name, data in _files(days, options):
        path = home / "data" / "lake" / "landing" / day.isoformat() / "benchmark" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        photos += 1
    return photos


def _files(days: list[date], options: argparse.Namespace) -> Iterator[tuple[date, str, bytes]]:
    from image_assets.samples.feed import generate_feed

    if not options.photos:
        for number, file in enumerate(generate_feed(days, options.per_day, SEED)):
            yield file.day, f"{number:06}.jpg", file.data
        return
    found = sorted(path for path in options.photos.rglob("*") if path.is_file())
    for number, path in enumerate(found):
        yield days[number * len(days) // len(found)], path.name, path.read_bytes()


def _gather(year: Path, home: Path, day: date) -> None:
    """The same photos in one day of another lake."""
    shutil.copytree(year, home)
    landing = home / "data" / "lake" / "landing"
    for path in sorted(landing.glob("*/benchmark")):
        if path.parent.name != day.isoformat():
            path.rename(landing / day.isoformat() / path.parent.name)


def _run(home: Path, first: date, last: date) -> Pass:
    before = _state(home)
    environment = {**os.environ, "IMAGE_ASSETS_START_DAY": FIRST.isoformat(), "PYTHONPATH": str(Path.cwd())}
    program = "import sys; from image_assets.cli.main import main; main()"
    command = [sys.executable, "-c", program, "run", "--from", first.isoformat(), "--to", last.isoformat()]
    started, worked = time.monotonic(), _cpu_s()
    code = subprocess.run(command, cwd=home, env=environment, stdout=subprocess.DEVNULL, check=False).returncode
    seconds = time.monotonic() - started
    if code not in GOOD:
        raise RuntimeError(f"image-assets run ended with {code}; its error stands above")
    written = len(_state(home) - before)
    dagster = sum(path.stat().st_size for path in (home / "data" / "dagster").rglob("*") if path.is_file())
    made = Pass(seconds, _cpu_s() - worked, written, dagster / 1e6)
    print(f"{home.name}, {first} to {last}: {made}", flush=True)
    return made


def _cpu_s() -> float:
    """Of every process that has ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _state(home: Path) -> set[tuple[str, int]]:
    files = (path for path in (home / "data" / "lake").rglob("*") if path.is_file())
    return {(str(path), path.stat().st_mtime_ns) for path in files}


def _section(options: argparse.Namespace, photos: int, whole: list[Pass], single: Pass, peak_mb: float) -> list[str]:
    days = options.days
    title = "photos of a folder" if options.photos else "files of the sample feed"
    rows = [("first", whole[0]), ("second, unchanged", whole[1]), ("as one day", single)]
    return [
        f"## A backfill of {days} days, {photos} {title}",
        "",
        f"`image-assets run --from … --to …` in one process. A day costs "
        f"**{1000 * (whole[0].cpu_s - single.cpu_s) / (days - 1):.0f} ms** of processor time besides its photos "
        f"({1000 * (whole[0].seconds - single.seconds) / (days - 1):.0f} ms by the clock), and "
        f"{1000 * whole[1].cpu_s / days:.0f} ms ({1000 * whole[1].seconds / days:.0f} ms) when nothing changed. "
        f"Peak memory of a process {peak_mb:.0f} MB.",
        "",
        "| pass | seconds | processor s | processor ms per day | files written | Dagster's state after it, MB |",
        "|---|---:|---:|---:|---:|---:|",
        *(
            f"| {name} | {each.seconds:.1f} | {each.cpu_s:.1f} "
            f"| {1000 * each.cpu_s / (1 if each is single else days):.0f} | {each.written} | {each.dagster_mb:.1f} |"
            for name, each in rows
        ),
    ]


if __name__ == "__main__":
    main()
