"""`image-assets demo` as a newcomer calls it who installed the wheel, interrupted once and then let finish."""

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import psutil  # type: ignore[import-untyped]  # it ships no types
import pytest

from image_assets.ids import ObjectKey
from image_assets.lake.object_keys import source_uri_of
from image_assets.samples.feed import SampleFile, generate_feed

PER_DAY, SEED = 20, 7

Start = Callable[..., subprocess.Popen[str]]


@dataclass(frozen=True)
class Done:
    """A script that has ended."""

    returncode: int
    output: str
    errors: str
    left: tuple[int, ...] = ()


@dataclass(frozen=True)
class Demo:
    """A demo that Ctrl-C stopped while it cleansed images, and the one after it, which was left alone."""

    home: Path
    days: tuple[date, ...]
    interrupted: Done
    finished: Done
    runs_after_interruption: tuple[dg.DagsterRunStatus, ...]
    samples: tuple[SampleFile, ...]

    def table(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(self.home / "data" / "lake" / "tables" / name / "*.parquet")


def ended(process: subprocess.Popen[str]) -> Done:
    output, errors = process.communicate(timeout=200)
    return Done(process.returncode, output, errors)


def is_cleansing(home: Path) -> bool:
    return any((home / "data" / "lake" / "silver").rglob("*.jpg"))


def interrupt_while_cleansing(home: Path, process: subprocess.Popen[str]) -> Done:
    give_up_at = time.monotonic() + 120
    while not is_cleansing(home):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < give_up_at, "no image was cleansed"
        time.sleep(0.02)
    children = psutil.Process(process.pid).children(recursive=True)
    # The terminal signals the whole group, workers too.
    os.killpg(process.pid, signal.SIGINT)
    done = ended(process)
    _, alive = psutil.wait_procs(children, timeout=5)
    return Done(done.returncode, done.output, done.errors, tuple(child.pid for child in alive))


def recorded_runs(home: Path) -> tuple[dg.DagsterRunStatus, ...]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        with dg.DagsterInstance.from_config(str(home)) as instance:
            return tuple(run.status for run in instance.get_runs())


@pytest.fixture(scope="module")
def demo(new_home: Callable[[], Path], start_installed: Start) -> Demo:
    home = new_home()
    today = datetime.now(UTC).date()
    days = tuple(today - timedelta(days=back) for back in (3, 2, 1))
    command = ("image-assets", "demo", "--images-per-day", str(PER_DAY), "--seed", str(SEED))
    interrupted = interrupt_while_cleansing(home, start_installed(*command, folder=home))
    runs = recorded_runs(home)
    process = start_installed(*command, folder=home)
    samples = tuple(generate_feed(days, PER_DAY, SEED))
    return Demo(home, days, interrupted, ended(process), runs, samples)


def test_ctrl_c_exits_with_130(demo: Demo) -> None:
    assert demo.interrupted.returncode == 130


def test_ctrl_c_says_that_finished_work_is_kept(demo: Demo) -> None:
    assert "interrupted: finished work is kept" in demo.interrupted.errors


def test_ctrl_c_shows_no_trace(demo: Demo) -> None:
    assert "Traceback" not in demo.interrupted.errors + demo.interrupted.output


def test_a_run_that_ctrl_c_stopped_is_recorded_as_canceled(demo: Demo) -> None:
    assert demo.runs_after_interruption == (dg.DagsterRunStatus.CANCELED,)


def test_ctrl_c_leaves_no_process_behind(demo: Demo) -> None:
    assert demo.interrupted.left == ()


def test_the_demo_run_again_completes(demo: Demo) -> None:
    assert demo.finished.returncode == 0, demo.finished.output + demo.finished.errors


def test_the_demo_says_what_to_do_next(demo: Demo) -> None:
    assert 'image-assets search "red dress"' in demo.finished.output


def test_nothing_is_left_of_the_interruption(demo: Demo) -> None:
    lake = demo.home / "data" / "lake"
    left = [path for path in lake.rglob("*") if path.is_file() and "_checkpoints" in path.parts]
    assert left == []


@pytest.mark.parametrize("day", [0, 1, 2])
def test_every_upload_is_gold_or_rejected(demo: Demo, day: int) -> None:
    gold, rejected = (demo.table(name).filter(day=demo.days[day]).height for name in ("gold_images", "rejected_images"))
    assert gold + rejected == PER_DAY


@pytest.mark.parametrize("day", [0, 1, 2])
def test_the_table_shown_adds_up(demo: Demo, day: int) -> None:
    (row,) = [line for line in demo.finished.output.splitlines() if line.startswith(f"│ {demo.days[day]}")]
    seen, accepted, embedded, rejected = (int(cell) for cell in row.replace("│", " ").split()[1:5])
    assert (seen, accepted + rejected, embedded) == (PER_DAY, PER_DAY, accepted)


def test_every_sample_meets_the_fate_that_it_was_made_for(demo: Demo) -> None:
    expected = {
        source_uri_of(ObjectKey(f"landing/{file.day}/{file.user_id}/{file.filename}")): file.expected
        for file in demo.samples
    }
    rejected = dict(demo.table("rejected_images").select("source_uri", pl.col("reason").cast(str)).iter_rows())
    assert {uri: rejected.get(uri) for uri in expected} == expected


def test_every_gold_image_is_complete(demo: Demo) -> None:
    assert Counter(demo.table("gold_images").get_column("state")) == {"embedded": demo.table("gold_images").height}


def test_everything_lies_below_the_data_folder(demo: Demo) -> None:
    assert sorted(path.name for path in demo.home.iterdir()) == ["dagster.yaml", "data"]
