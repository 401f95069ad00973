"""Runs of processes that are gone are ended and give their places back; for those of living ones a step waits aloud."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from image_assets.orchestration.resources import WorkersResource
from image_assets.orchestration.runs.at_work import PROCESS_TAG, at_work, end_abandoned_runs
from image_assets.orchestration.runs.history import INVOCATION_TAG
from image_assets.orchestration.runs.turns import take_turns

POOLS = {"concurrency": {"pools": {"default_limit": 1, "granularity": "op"}}}
BY_COMMAND = {INVOCATION_TAG: "1", PROCESS_TAG: "pid 7 on elsewhere", "dagster/partition": "2026-03-14"}
HOLD = (
    "import pathlib, sys\n"
    "from image_assets.orchestration.runs.held_files import try_to_hold\n"
    "with try_to_hold(pathlib.Path(sys.argv[1])): print(flush=True), sys.stdin.read()"
)
CANCELED, FAILED, STARTED = (
    dg.DagsterRunStatus.CANCELED,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.STARTED,
)

Process = subprocess.Popen[str]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance on disk, whose pools have one place."""
    with dg.DagsterInstance.local_temp(str(tmp_path), POOLS) as instance:
        instance.event_log_storage.initialize_concurrency_limit_to_default("gpu")
        yield instance


@pytest.fixture
def other(kept: dg.DagsterInstance) -> Iterator[Callable[..., tuple[dg.DagsterRun, Process]]]:
    """Start a run that another process holds, with its place in the pool."""
    started: list[Process] = []

    def start(**more: object) -> tuple[dg.DagsterRun, Process]:
        run = kept.add_run(dg.DagsterRun("daily_images", **{"status": STARTED, "tags": BY_COMMAND, **more}))  # type: ignore[arg-type]
        assert claim(kept, run)
        folder = Path(kept.root_directory) / "at_work"
        folder.mkdir(exist_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, folder / run.run_id], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout
        process.stdout.readline()
        return run, process

    yield start
    for each in started:
        kill(each)


def kill(process: Process) -> None:
    process.kill()
    process.communicate()


def claim(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    return bool(instance.event_log_storage.claim_concurrency_slot("gpu", run.run_id, "image_embeddings").is_claimed)


def status(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found
    return found.status


def next_run(instance: dg.DagsterInstance) -> dg.DagsterRun:
    return instance.add_run(dg.DagsterRun("daily_images", status=STARTED))


@pytest.mark.parametrize(("tags", "ended"), [(BY_COMMAND, CANCELED), ({}, FAILED)], ids=["command line", "UI"])
def test_a_run_whose_process_was_killed_is_ended_and_gives_its_place_back(
    kept: dg.DagsterInstance, other: Callable[..., tuple[dg.DagsterRun, Process]], tags: dict[str, str], ended: object
) -> None:
    run, process = other(tags=tags)
    kill(process)
    assert (end_abandoned_runs(kept), status(kept, run)) == (1, ended)
    assert claim(kept, next_run(kept))


def test_a_run_of_a_living_process_stays_and_keeps_its_place(
    kept: dg.DagsterInstance, other: Callable[..., tuple[dg.DagsterRun, Process]]
) -> None:
    run, _ = other()
    assert (end_abandoned_runs(kept), status(kept, run)) == (0, STARTED)
    assert not claim(kept, next_run(kept))


def test_a_run_that_is_recorded_as_over_gives_its_place_back_when_its_process_has_gone(
    kept: dg.DagsterInstance, other: Callable[..., tuple[dg.DagsterRun, Process]]
) -> None:
    run, process = other()
    kept.report_run_canceled(run)
    end_abandoned_runs(kept)
    waiting = next_run(kept)
    assert not claim(kept, waiting)
    kill(process)
    end_abandoned_runs(kept)
    assert claim(kept, waiting)


def test_the_place_of_a_run_that_was_deleted_is_free(kept: dg.DagsterInstance) -> None:
    gone = dg.DagsterRun("daily_images")
    assert claim(kept, gone)
    end_abandoned_runs(kept)
    assert claim(kept, next_run(kept))


def test_a_run_that_the_ui_repeats_is_not_taken_for_the_command_lines(kept: dg.DagsterInstance) -> None:
    again = kept.add_run(
        dg.DagsterRun("daily_images", tags={INVOCATION_TAG: "1"}, parent_run_id="1", root_run_id="1", status=STARTED)
    )
    assert (end_abandoned_runs(kept), status(kept, again)) == (0, STARTED)


@pytest.mark.parametrize("ended", [dg.DagsterRunStatus.NOT_STARTED, STARTED])
def test_what_killed_command_lines_left_before_processes_were_named_is_ended(
    kept: dg.DagsterInstance, ended: dg.DagsterRunStatus
) -> None:
    run = kept.add_run(dg.DagsterRun("daily_images", tags={INVOCATION_TAG: "1"}, status=ended))
    assert (end_abandoned_runs(kept), status(kept, run)) == (1, CANCELED)


def test_a_run_that_ends_in_order_leaves_no_file(kept: dg.DagsterInstance) -> None:
    run = next_run(kept)
    with at_work(kept, run.run_id), at_work(kept, run.run_id):
        assert (end_abandoned_runs(kept), status(kept, run)) == (0, STARTED)
    assert list(Path(kept.root_directory, "at_work").iterdir()) == []


def test_a_step_says_for_whom_it_waits_and_goes_on_when_that_one_is_killed(
    kept: dg.DagsterInstance, other: Callable[..., tuple[dg.DagsterRun, Process]]
) -> None:
    run, process = other()
    told: list[str] = []

    def tell(words: str) -> None:
        told.append(words)
        kill(process)

    take_turns(kept, tell)
    mine = next_run(kept)
    assert claim(kept, mine)
    (words,) = told
    expected = (f"image_embeddings waits for gpu: run {run.run_id[:8]}", "of 2026-03-14", "pid 7 on elsewhere", "UTC")
    assert [each for each in expected if each not in words] == []
    assert words in [str(entry.message) for entry in kept.all_logs(mine.run_id)]


def test_a_place_that_was_given_to_nobody_is_taken(kept: dg.DagsterInstance) -> None:
    """As when the holder lets go between two looks of Dagster's at the pool."""
    mine = next_run(kept)
    kept.event_log_storage.add_pending_step("gpu", mine.run_id, "image_embeddings")  # type: ignore[attr-defined]
    take_turns(kept)
    assert claim(kept, mine)


def test_a_run_of_the_ui_is_shown_to_be_at_work_by_the_workers_that_it_uses(kept: dg.DagsterInstance) -> None:
    held: list[tuple[int, bool]] = []

    @dg.asset
    def look(context: dg.AssetExecutionContext, workers: WorkersResource) -> None:
        files = list(Path(context.instance.root_directory, "at_work").iterdir())
        run = context.instance.get_run_by_id(context.run.run_id)
        held.append((len(files), bool(run and PROCESS_TAG in run.tags)))

    workers = WorkersResource(workers=1, image_timeout_s=1, worker_memory_mb=256)
    assert dg.materialize([look], instance=kept, resources={"workers": workers}).success
    assert (held, list(Path(kept.root_directory, "at_work").iterdir())) == ([(1, True)], [])
