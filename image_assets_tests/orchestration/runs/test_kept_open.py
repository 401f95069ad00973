"""Dagster's files during a run: results that follow each other are written in one go, and nobody else notices."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread
from uuid import uuid4

import dagster as dg
import pytest

from image_assets.orchestration.runs.kept_open import kept_open

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
EVALUATED = dg.DagsterEventType.ASSET_CHECK_EVALUATION
DAYS = ("2026-03-01", "2026-03-02", "2026-03-03")

Written = Callable[[], int]
Look = Callable[[dg.AssetCheckExecutionContext], Iterator[object]]
Run = Callable[[Look], dg.ExecuteInProcessResult]


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """One that keeps its files."""
    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Asks how many results any other program can see."""

    def count() -> int:
        with closing(sqlite3.connect(tmp_path / "history" / "runs" / "index.db")) as connection:
            asked = "select count(*) from event_logs where dagster_event_type = ?"
            return int(connection.execute(asked, [EVALUATED.value]).fetchone()[0])

    return count


@pytest.fixture
def run(instance: dg.DagsterInstance) -> Run:
    """Looks at an asset by a function that yields results, while the files are kept open."""

    def execute(look: Look) -> dg.ExecuteInProcessResult:
        @dg.asset_check(asset="photos")
        def looked_at(context: dg.AssetCheckExecutionContext) -> Iterator[object]:
            yield dg.Output(None)
            yield from look(context)

        photos = dg.AssetsDefinition(specs=[dg.AssetSpec("photos")])
        job = dg.define_asset_job("job", dg.AssetSelection.all_asset_checks())
        definitions = dg.Definitions(assets=[photos], asset_checks=[looked_at], jobs=[job])
        run_id = str(uuid4())
        with kept_open(instance, run_id), kept_open(instance, run_id):
            return definitions.resolve_job_def("job").execute_in_process(
                instance=instance, run_id=run_id, run_config=QUIET, raise_on_error=False
            )

    return execute


def result(day: str) -> dg.AssetCheckEvaluation:
    key = dg.AssetKey("photos")
    return dg.AssetCheckEvaluation(asset_key=key, check_name="looked_at", passed=True, metadata={}, partition=day)


def test_results_that_follow_each_other_are_written_in_one_go(run: Run, written: Written) -> None:
    seen = []

    def look(context: dg.AssetCheckExecutionContext) -> Iterator[object]:
        for day in DAYS:
            yield result(day)
            seen.append(written())

    assert run(look).success
    assert (seen, written()) == ([0, 0, 0], 3)


def test_whatever_else_is_told_writes_them_first(run: Run, written: Written) -> None:
    seen = []

    def look(context: dg.AssetCheckExecutionContext) -> Iterator[object]:
        for day in DAYS:
            yield result(day)
            context.log.info("looked at it")
            seen.append(written())

    assert run(look).success
    assert seen == [1, 2, 3]


def test_who_reads_during_the_run_sees_them(run: Run, instance: dg.DagsterInstance) -> None:
    seen = []

    def look(context: dg.AssetCheckExecutionContext) -> Iterator[object]:
        for day in DAYS:
            yield result(day)
            records = instance.get_records_for_run(context.run.run_id, of_type=EVALUATED).records
            seen.append(len(records))

    assert run(look).success
    assert seen == [1, 2, 3]


def test_results_of_a_step_that_fails_then_are_kept(run: Run, written: Written) -> None:
    def look(context: dg.AssetCheckExecutionContext) -> Iterator[object]:
        yield from map(result, DAYS[:2])
        raise dg.Failure("the disk does not answer", allow_retries=False)

    assert not run(look).success
    assert written() == 2


def test_another_thread_asks_by_a_connection_of_its_own(run: Run, instance: dg.DagsterInstance) -> None:
    seen: list[int] = []

    def ask(run_id: str) -> None:
        seen.append(len(instance.get_records_for_run(run_id, of_type=EVALUATED).records))

    def look(context: dg.AssetCheckExecutionContext) -> Iterator[object]:
        for day in DAYS:
            yield result(day)
            thread = Thread(target=ask, args=[context.run.run_id])
            thread.start()
            thread.join()

    assert run(look).success
    assert seen == [0, 0, 0]


def test_after_the_run_the_files_are_let_go(run: Run, instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run(lambda _: map(result, DAYS))
    # Whoever closes a file last has SQLite tidy up beside it.
    assert list((tmp_path / "history" / "runs").glob("*-wal")) == []
