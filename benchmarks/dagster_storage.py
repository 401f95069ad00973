"""Dagster's memory in SQLite files and in PostgreSQL: the same days through `image-assets run`, twice each.

    python benchmarks/dagster_storage.py [--days 365] [--per-day 1]

Two homes with the same uploads differ in the `storage` of their dagster.yaml alone. They take turns: a first pass over
all days, then one that finds everything current. The server is the one of the tests, with fsync, on the same machine.
"""

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import psutil
from page import write_section

from image_assets.samples.feed import generate_feed

sys.path.insert(0, str(Path(__file__).parents[1] / "image_assets_tests" / "servers"))
from postgres import PostgresServer, running_server

FIRST, SEED, GOOD = date(2025, 10, 1), 7, (0, 2)
MARKERS = ("<!-- dagster storage: written by benchmarks/dagster_storage.py -->", "<!-- /dagster storage -->")
STORAGE = re.compile(r"^storage:\n(?:  .*\n)+", re.MULTILINE)
ON_POSTGRES = "storage:\n  postgres:\n    postgres_url:\n      env: DAGSTER_POSTGRES_URL\n"
INTRODUCTION = """{days} days, files a day: {per_day}, in runs of four weeks at most; nothing differs but `storage` in
dagster.yaml ([how](how-to/dagster-on-postgresql.md)). PostgreSQL 18 on the same machine, with fsync. The machine had
other work: seconds are of the clock and too high, processor time is right.
"""


@dataclass(frozen=True, slots=True)
class Pass:
    """One `image-assets run`: of the clock, of its processes, of the server, and what Dagster's memory takes then."""

    seconds: float
    own_cpu_s: float
    server_cpu_s: float
    memory_mb: float


def main() -> None:
    """Measure and replace the section of docs/benchmarks.md."""
    options = _options()
    days = [FIRST + timedelta(days=offset) for offset in range(options.days)]
    with running_server(fsync="on") as server, tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        homes = {name: Path(scratch, name) for name in ("SQLite", "PostgreSQL")}
        for home in homes.values():
            _land(home, days, options.per_day)
        config = homes["PostgreSQL"] / "dagster.yaml"
        config.write_text(STORAGE.sub(ON_POSTGRES, config.read_text()))
        sizes = {"SQLite": lambda: _files_mb(homes["SQLite"]), "PostgreSQL": lambda: _database_mb(server)}
        passes = [
            (turn, name, _run(homes[name], days, server, sizes[name]))
            for turn in ("first", "unchanged")
            for name in homes
        ]
    lines = _section(options, passes)
    print("\n".join(lines))
    write_section(Path("docs/benchmarks.md"), MARKERS, "\n".join(lines))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--per-day", type=int, default=1, help="files of the sample feed per day")
    parser.add_argument("--scratch", type=Path, help="folder for temporary files")
    return parser.parse_args()


def _land(home: Path, days: list[date], per_day: int) -> None:
    home.mkdir()
    shutil.copy("dagster.yaml", home)
    for number, file in enumerate(generate_feed(days, per_day, SEED)):
        path = home / "data" / "lake" / "landing" / file.day.isoformat() / "benchmark" / f"{number:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)


def _run(home: Path, days: list[date], server: PostgresServer, memory_mb: Callable[[], float]) -> Pass:
    address = server.url().replace("postgresql://", "postgresql+psycopg2://")
    where = {
        "IMAGE_ASSETS_START_DAY": FIRST.isoformat(),
        "DAGSTER_POSTGRES_URL": address,
        "PYTHONPATH": str(Path.cwd()),
    }
    program = "import sys; from image_assets.cli.main import main; main()"
    command = [sys.executable, "-c", program, "run", "--from", str(days[0]), "--to", str(days[-1])]
    own, theirs, started = _own_cpu_s(), _server_cpu_s(server), time.monotonic()
    done = subprocess.run(command, cwd=home, env={**os.environ, **where}, stdout=subprocess.DEVNULL, check=False)
    if done.returncode not in GOOD:
        raise RuntimeError(f"image-assets run ended with {done.returncode}; its error stands above")
    seconds = time.monotonic() - started
    made = Pass(seconds, _own_cpu_s() - own, _server_cpu_s(server) - theirs, memory_mb())
    print(f"{home.name}: {made}", flush=True)
    return made


def _own_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _server_cpu_s(server: PostgresServer) -> float:
    """Of the server and, since they are waited for by it, of those of its processes that have ended."""
    pid = int((server.data / "postmaster.pid").read_text().splitlines()[0])
    times = [each.cpu_times() for each in (psutil.Process(pid), *psutil.Process(pid).children())]
    return sum(each.user + each.system for each in times) + times[0].children_user + times[0].children_system


def _files_mb(home: Path) -> float:
    return sum(path.stat().st_size for path in (home / "data" / "dagster").rglob("*.db") if path.is_file()) / 1e6


def _database_mb(server: PostgresServer) -> float:
    ((size,),) = server.execute("SELECT pg_database_size(current_database())")
    return float(size) / 1e6


def _section(options: argparse.Namespace, passes: list[tuple[str, str, Pass]]) -> list[str]:
    return [
        "## Dagster's memory in SQLite and in PostgreSQL",
        "",
        INTRODUCTION.format(days=options.days, per_day=options.per_day),
        "| pass | memory in | seconds | processor s | server's processor s | processor ms per day | MB after it |",
        "|---|---|---:|---:|---:|---:|---:|",
        *(
            f"| {turn} | {name} | {each.seconds:.1f} | {each.own_cpu_s:.1f} | {each.server_cpu_s:.1f} "
            f"| {1000 * (each.own_cpu_s + each.server_cpu_s) / options.days:.0f} | {each.memory_mb:.1f} |"
            for turn, name, each in passes
        ),
    ]


if __name__ == "__main__":
    main()
