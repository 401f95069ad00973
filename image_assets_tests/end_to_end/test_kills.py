"""Runs that are killed while they hold the GPU's place, through the real command line, with Dagster's files on disk."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from image_assets.samples.feed import generate_feed

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)

Start = Callable[..., subprocess.Popen[str]]


def ask(home: Path, file: str, question: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(home / "data" / "dagster" / "history" / file)) as connection:
        return connection.execute(question).fetchall()


def holders(home: Path) -> list[tuple[str, ...]]:
    """Runs that hold the place; none while there is no pool."""
    try:
        return ask(home, "runs/index.db", "select run_id from concurrency_slots where run_id is not null")
    except sqlite3.OperationalError:
        return []


def last_status(home: Path) -> str:
    return ask(home, "runs.db", "select status from runs where pipeline_name = 'daily_images' order by id desc")[0][0]


def end_while_it_holds_the_place(home: Path, process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str]:
    give_up_at, killed_before = time.monotonic() + 200, holders(home)
    while holders(home) in ([], killed_before):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < give_up_at, "no step held the place"
        time.sleep(0.01)
    os.killpg(process.pid, number)
    process.communicate(timeout=60)
    return process.returncode, last_status(home)


@pytest.fixture(scope="module")
def home(new_home: Callable[[], Path]) -> Path:
    """A home with two uploads of yesterday."""
    home = new_home()
    for file in generate_feed([YESTERDAY], 2, seed=7):
        place = home / "data" / "lake" / "landing" / str(YESTERDAY) / file.user_id
        place.mkdir(parents=True, exist_ok=True)
        (place / file.filename).write_bytes(file.data)
    return home


@pytest.mark.timeout(600)
def test_a_run_goes_on_at_once_after_any_kill(home: Path, start: Start) -> None:
    def run() -> subprocess.Popen[str]:
        return start("image-assets", "run", folder=home)

    assert end_while_it_holds_the_place(home, run(), signal.SIGKILL) == (-signal.SIGKILL, "STARTED")
    assert end_while_it_holds_the_place(home, run(), signal.SIGTERM) == (130, "CANCELED")
    output, errors = (last := run()).communicate(timeout=200)
    assert (last.returncode, "waits for gpu" in output, last_status(home)) == (0, False, "SUCCESS"), output + errors
    assert ask(home, "runs.db", "select distinct status from runs order by 1") == [("CANCELED",), ("SUCCESS",)]


def test_what_a_killed_service_has_answered_is_in_the_lake_after_the_next_run(
    repository: Path, environment: dict[str, str]
) -> None:
    command = [sys.executable, "-m", "image_assets_tests.soak.upload_kills", "--rounds", "1", "--images", "40"]
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "0 problems" in done.stdout) == (0, True), done.stdout + done.stderr


@pytest.mark.timeout(900)
def test_a_day_that_was_disturbed_is_that_of_a_quiet_life(repository: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "image_assets_tests.soak.chaos", "--short", "--rounds", "3", "--images", "3"]
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, " 0 problems" in done.stdout) == (0, True), done.stdout + done.stderr


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_round_of_soaking_finds_nothing(repository: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "image_assets_tests.soak.concurrent_commands", "--rounds", "1", "--images", "2"]
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "0 problems" in done.stdout) == (0, True), done.stdout + done.stderr
