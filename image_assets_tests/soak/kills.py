"""Kill runs at random, by any signal; the next one goes on at once, and in the end the tables are those of no kill.

`python -m image_assets_tests.soak.kills --rounds 100`
"""

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import polars as pl
import psutil
from polars.testing import assert_frame_equal

from image_assets_tests.soak.homes import Home, end, kill_tree, last_days, new_home, twin

_OF_ITS_TIME = ("processed_at", "ingested_at")
_BREATH_S = 0.05


def _kill_parent(process: subprocess.Popen[str], number: signal.Signals) -> str:
    process.send_signal(number)
    return "the command"


def _kill_parent_twice(process: subprocess.Popen[str], number: signal.Signals) -> str:
    process.send_signal(number)
    time.sleep(_BREATH_S)
    process.send_signal(number)
    return "the command, twice"


def _kill_all(process: subprocess.Popen[str], number: signal.Signals) -> str:
    kill_tree(process, number)
    return "the whole tree"


def _kill_worker(process: subprocess.Popen[str], number: signal.Signals) -> str:
    """One of its children, as soon as it has any."""
    while process.poll() is None:
        if children := psutil.Process(process.pid).children(recursive=True):
            random.choice(children).send_signal(number)
            return "a worker"
        time.sleep(_BREATH_S)
    return "nobody: it had ended"


_VICTIMS: tuple[Callable[[subprocess.Popen[str], signal.Signals], str], ...] = (
    _kill_parent, _kill_all, _kill_worker, _kill_parent_twice
)  # fmt: skip
_SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)


@click.command()
@click.option("--rounds", default=15, show_default=True, type=click.IntRange(1))
@click.option("--images", default=6, show_default=True, help="Uploads a day; each round has a day of its own.")
@click.option("--seed", default=1, show_default=True, help="Of the moments and the victims.")
@click.option("--folder", type=click.Path(path_type=Path), help="A new folder that stays; else one that goes.")
def main(rounds: int, images: int, seed: int, folder: Path | None) -> None:
    """Kill a run in each round, and say how the next one went."""
    random.seed(seed)
    with tempfile.TemporaryDirectory() as temporary:
        problems = _soak(folder or Path(temporary), rounds, images)
    click.echo(f"{rounds} rounds, {len(problems)} problems")
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(bool(problems))


def _soak(folder: Path, rounds: int, images: int) -> list[str]:
    days = last_days(rounds)
    home = new_home(folder / "killed", days, images)
    undisturbed = twin(home, folder / "undisturbed")
    began = time.monotonic()
    endings = [undisturbed.run("run", "--day", str(days[0]))]
    usual_s = time.monotonic() - began
    problems = []
    undone = 0
    for number, day in enumerate(days):
        ending, undisturbed_s = _round(home, number, str(day), usual_s)
        problems += [f"round {number}: {ending}"] if ending else []
        # A machine that is less busy than at the beginning ends its runs before they are killed.
        usual_s, undone = (undisturbed_s, undone + 1) if undisturbed_s else (usual_s, undone)
    click.echo(f"{undone} of {rounds} runs ended before they were killed")
    whole = ("--from", str(days[0]), "--to", str(days[-1]))
    endings += [
        undisturbed.run("run", *whole, timeout_s=60.0 + 10 * usual_s * rounds),
        # A worker that dies with an image has it rejected: that is another matter than what is looked at here.
        home.run("retry", "--reason", "worker_crashed", timeout_s=60.0 + 10 * usual_s * rounds),
        home.run("run", *whole, timeout_s=60.0 + 10 * usual_s * rounds),
        home.run("doctor"),
        home.run("status"),
    ]
    problems += [each.problem for each in endings if each.problem]
    problems += ["status names days that are not complete"] if "no summary" in endings[-1].words else []
    return problems + _differences(home, undisturbed)


def _round(home: Home, number: int, day: str, usual_s: float) -> tuple[str | None, float]:
    """Kill one run; why the next one did not go on, None if it did, and what the run took if it ended by itself."""
    kill, sign = _VICTIMS[number % len(_VICTIMS)], _SIGNALS[number % len(_SIGNALS)]
    moment_s = random.uniform(0, 1.1 * usual_s)
    process, started, undisturbed_s = home.start("run", "--day", day), time.monotonic(), 0.0
    try:
        code = process.wait(moment_s)
        whom, undisturbed_s = "nobody: it had ended", time.monotonic() - started
    except subprocess.TimeoutExpired:
        whom = kill(process, sign)
        code = end(process, 240.0).code
    began = time.monotonic()
    after = home.run("run", "--day", day)
    took_s = time.monotonic() - began
    click.echo(
        f"round {number}: {sign.name} after {moment_s:.1f} s to {whom}, which ended with {code}; "
        f"the next run ended with {after.code} after {took_s:.1f} s"
    )
    return after.problem, undisturbed_s


def _differences(home: Home, other: Home) -> list[str]:
    mine, others = _tables(home), _tables(other)
    found = [f"only one lake has {name}" for name in sorted(mine.keys() ^ others.keys())]
    for name in sorted(mine.keys() & others.keys()):
        try:
            assert_frame_equal(_timeless(mine[name]), _timeless(others[name]), abs_tol=1e-4)
        except AssertionError as error:
            found.append(f"{name} differs: {error}")
    return found


def _tables(home: Home) -> dict[str, Path]:
    root = home.folder / "data" / "lake" / "tables"
    return {str(file.relative_to(root)): file for file in root.rglob("*.parquet")}


def _timeless(file: Path) -> pl.DataFrame:
    return pl.read_parquet(file).drop(_OF_ITS_TIME, strict=False)


if __name__ == "__main__":
    main()
