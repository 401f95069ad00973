"""Once a week: files and rows are compared, leftovers swept, and Dagster forgets what it need not know."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from image_assets.orchestration.jobs import HOUSEKEEPING_JOB
from image_assets.orchestration.runs.history import forget_old_runs
from image_assets.settings import Settings

LATER = datetime.now(UTC) + timedelta(days=1)

Define = Callable[[Settings], dg.Definitions]
Tidy = Callable[[], dg.ExecuteInProcessResult]


@pytest.fixture
def tidy(full_copy: Settings, define: Define, instance: dg.DagsterInstance) -> Tidy:
    job = define(full_copy).resolve_job_def(HOUSEKEEPING_JOB)
    return lambda: job.execute_in_process(instance=instance, raise_on_error=False)


def test_a_good_lake_has_no_ghosts(tidy: Tidy) -> None:
    run = tidy()
    assert (run.success, [check.passed for check in run.get_asset_check_evaluations()]) == (True, [True, True])


def test_a_ghost_is_listed_and_fails_the_check(full_copy: Settings, tidy: Tidy) -> None:
    ghost = next((full_copy.root / "thumbnail").rglob("*.webp"))
    ghost.unlink()
    run = tidy()
    (made,) = run.asset_materializations_for_node("reconciliation")
    assert ghost.name in str(made.metadata["listed"].value)
    assert passed(run) == {"no_ghosts": False, "objects_whole": False}


def test_a_file_that_rotted_is_found_when_it_is_its_turn(
    full_copy: Settings, define: Define, instance: dg.DagsterInstance
) -> None:
    original = next((full_copy.root / "bronze").rglob("*.*"))
    original.write_bytes(bytes(original.stat().st_size))
    job = define(full_copy.model_copy(update={"scrub_weeks": 1})).resolve_job_def(HOUSEKEEPING_JOB)
    run = job.execute_in_process(instance=instance, raise_on_error=False)
    assert passed(run) == {"no_ghosts": True, "objects_whole": False}
    (made,) = run.asset_materializations_for_node("scrub")
    assert (made.metadata["damaged_originals"].value, original.name in str(made.metadata["what"].value)) == (1, True)


def passed(run: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {check.check_name: check.passed for check in run.get_asset_check_evaluations()}


def materialize(instance: dg.DagsterInstance, day: str) -> str:
    @dg.asset(partitions_def=dg.DailyPartitionsDefinition("2026-03-01"))
    def photos() -> None:
        """Nothing."""

    return dg.materialize([photos], instance=instance, partition_key=day).run_id


def runs(instance: dg.DagsterInstance) -> set[str]:
    return {run.run_id for run in instance.get_runs()}


def test_a_run_that_a_later_one_replaced_is_forgotten(instance: dg.DagsterInstance) -> None:
    materialize(instance, "2026-03-14")
    last = materialize(instance, "2026-03-14")
    assert (forget_old_runs(instance, LATER), runs(instance)) == ((1, 1), {last})


def test_the_last_run_of_each_day_stays_so_that_the_day_stays_green(instance: dg.DagsterInstance) -> None:
    last = {materialize(instance, day) for day in ("2026-03-14", "2026-03-15")}
    assert (forget_old_runs(instance, LATER), runs(instance)) == ((0, 2), last)


def test_a_young_run_stays(instance: dg.DagsterInstance) -> None:
    for _ in range(2):
        materialize(instance, "2026-03-14")
    assert forget_old_runs(instance, datetime.now(UTC) - timedelta(days=1)) == (0, 0)
    assert len(runs(instance)) == 2
