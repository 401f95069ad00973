"""Kills and rivals, for real: each run is a process of its own."""

import importlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.object_store import ObjectInfo
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.increment.recipe import Recipe
from image_assets.steps.increment.stock import Target
from image_assets.steps.increment.stream import run_increment

PROGRAM = Path(__file__).parent / "programs" / "double_day.py"
COUNT = 30
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture(scope="module")
def double_day() -> Iterator[ModuleType]:
    """The program as a module: its constants, and a run in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(PROGRAM.parent)
        yield importlib.import_module(PROGRAM.stem)


@pytest.fixture
def tables(tmp_path: Path) -> ParquetTables:
    return ParquetTables(LocalObjectStore(tmp_path / "lake"))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a run of the day and names what it traces; all runs are gone at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def run(trace: Path, delay_s: float, *how: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(PROGRAM), str(tmp_path / "lake"), str(trace), str(COUNT), str(delay_s), *how]
        started.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()


def traced(trace: Path) -> list[str]:
    return trace.read_text().splitlines() if trace.exists() else []


def wait_for(trace: Path, count: int, run: subprocess.Popen[bytes]) -> None:
    while len(traced(trace)) < count:
        assert run.poll() is None, "the run ended before it was interrupted"
        time.sleep(0.005)


def doubled(tables: ParquetTables, double_day: ModuleType) -> dict[str, int]:
    return dict(tables.read(double_day.DOUBLES, double_day.DAY).select("image_id", "value").iter_rows())


EXPECTED = {f"{number:06}": 2 * number for number in range(COUNT)}


def test_a_killed_frame_costs_itself(
    tables: ParquetTables, double_day: ModuleType, start: Start, tmp_path: Path
) -> None:
    first = tmp_path / "first"
    run = start(first, 0.02, "frame")
    wait_for(first, 14, run)
    run.kill()
    run.wait()
    assert not tables.exists(double_day.DOUBLES, double_day.DAY)
    report = double_day.double_frame(tmp_path / "lake", tmp_path / "second", COUNT, 0)
    assert (report.computed, doubled(tables, double_day)) == (COUNT, EXPECTED)


def test_two_frames_of_a_day_at_once_leave_the_right_table(
    tables: ParquetTables, double_day: ModuleType, start: Start, tmp_path: Path
) -> None:
    runs = [start(tmp_path / name, 0.01, "frame") for name in ("first", "second")]
    assert [run.wait() for run in runs] == [0, 0]
    assert doubled(tables, double_day) == EXPECTED
    assert double_day.double_frame(tmp_path / "lake", tmp_path / "last", COUNT, 0).is_unchanged


@pytest.mark.parametrize("killed_at", [1, 14])
def test_a_killed_run_costs_at_most_one_chunk(
    tables: ParquetTables, double_day: ModuleType, start: Start, tmp_path: Path, killed_at: int
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    run = start(first, 0.02)
    wait_for(first, killed_at, run)
    run.kill()
    run.wait()
    assert not tables.exists(double_day.DOUBLES, double_day.DAY)
    double_day.double_day(tmp_path / "lake", second, COUNT, 0)
    assert doubled(tables, double_day) == EXPECTED
    repeated = set(traced(first)) & set(traced(second))
    assert len(repeated) <= double_day.CHUNK_SIZE
    assert list(tables.store.list("tables/_checkpoints")) == []


def test_a_run_that_is_killed_again_and_again_arrives(
    tables: ParquetTables, double_day: ModuleType, start: Start, tmp_path: Path
) -> None:
    traces = [tmp_path / f"trace-{number}" for number in range(2)]
    for trace in traces:
        run = start(trace, 0.02)
        wait_for(trace, double_day.CHUNK_SIZE + 1, run)
        run.kill()
        run.wait()
    last = tmp_path / "last"
    double_day.double_day(tmp_path / "lake", last, COUNT, 0)
    assert doubled(tables, double_day) == EXPECTED
    assert len(traced(last)) <= COUNT - len(traces) * double_day.CHUNK_SIZE


def test_two_runs_of_a_day_at_once_leave_the_right_table(
    tables: ParquetTables, double_day: ModuleType, start: Start, tmp_path: Path
) -> None:
    runs = [start(tmp_path / name, 0.01) for name in ("first", "second")]
    codes = [run.wait() for run in runs]
    assert codes == [0, 0]
    assert doubled(tables, double_day) == EXPECTED
    report = double_day.double_day(tmp_path / "lake", tmp_path / "last", COUNT, 0)
    assert report.accepted == COUNT
    assert traced(tmp_path / "last") == []


def test_a_run_that_starts_when_another_is_nearly_done_does_little(
    tables: ParquetTables, double_day: ModuleType, start: Start, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    run = start(first, 0.05)
    wait_for(first, COUNT - 2, run)
    double_day.double_day(tmp_path / "lake", second, COUNT, 0)
    assert len(traced(second)) <= 2 + double_day.CHUNK_SIZE
    assert doubled(tables, double_day) == EXPECTED


@dataclass(frozen=True, slots=True)
class ContestedStore(LocalObjectStore):
    """A store in which something happens each time right after chunks were listed, the last of `rivals` first."""

    rivals: list[Callable[[], object]]

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        found = list(LocalObjectStore.list(self, prefix))
        if found and self.rivals:
            self.rivals.pop()()
        yield from found


def test_chunks_that_another_run_commits_while_they_are_read_are_looked_for_again(
    tables: ParquetTables, double_day: ModuleType, start: Start, tmp_path: Path
) -> None:
    first, rival = tmp_path / "first", tmp_path / "rival"
    run = start(first, 0.02)
    wait_for(first, double_day.CHUNK_SIZE + 1, run)
    run.kill()
    run.wait()
    rivals = [lambda: double_day.double_day(tmp_path / "lake", rival, COUNT, 0)]
    contested = ParquetTables(ContestedStore(tmp_path / "lake", rivals))
    target = Target(double_day.DOUBLES, Recipe({"times": 2}))
    process = double_day.doubling(tmp_path / "mine", 0)
    inputs, chunk_size = partial(double_day.inputs_of, COUNT), double_day.CHUNK_SIZE
    report = run_increment(contested, target, double_day.DAY, inputs, process, chunk_size=chunk_size)
    assert (report.accepted, rivals, traced(tmp_path / "mine")) == (COUNT, [], [])
    assert doubled(tables, double_day) == EXPECTED


@dataclass(frozen=True, slots=True)
class CountingStore(LocalObjectStore):
    """Keeps which folders were listed."""

    listed: list[str]

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        self.listed.append(prefix)
        return LocalObjectStore.list(self, prefix)


def test_a_run_lists_what_others_have_left_once(double_day: ModuleType, tmp_path: Path) -> None:
    store = CountingStore(tmp_path / "lake", [])
    target = Target(double_day.DOUBLES, Recipe({"times": 2}))
    process = double_day.doubling(tmp_path / "mine", 0)
    inputs, chunk_size = partial(double_day.inputs_of, COUNT), double_day.CHUNK_SIZE
    run_increment(ParquetTables(store), target, double_day.DAY, inputs, process, chunk_size=chunk_size)
    assert sorted(store.listed) == sorted(set(store.listed))
    assert len(store.listed) == 2
