"""Every morning someone hears of a day that is missing or was left failed, and of nothing else."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from image_assets.ids import ObjectKey
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.orchestration.jobs import MORNING_JOB
from image_assets.settings import Settings

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)

Look = Callable[[], dg.ExecuteInProcessResult]


@pytest.fixture
def settings(tmp_path: Path, settings_for: Callable[..., Settings]) -> Settings:
    return settings_for(tmp_path, start_day=YESTERDAY)


@pytest.fixture
def look(settings: Settings, define: Callable[[Settings], dg.Definitions], instance: dg.DagsterInstance) -> Look:
    """Run the job of the morning."""
    job = define(settings).resolve_job_def(MORNING_JOB)
    return lambda: job.execute_in_process(instance=instance, raise_on_error=False)


@pytest.fixture
def is_there(settings: Settings) -> None:
    LocalObjectStore(settings.root).write(ObjectKey(f"tables/daily_summary/{YESTERDAY}.parquet"), b"")


def failed_checks(run: dg.ExecuteInProcessResult) -> set[str]:
    return {check.check_name for check in run.get_asset_check_evaluations() if not check.passed}


@pytest.mark.usefixtures("is_there")
def test_a_good_morning_is_quiet(look: Look) -> None:
    run = look()
    assert (run.success, len(run.get_asset_check_evaluations())) == (True, 2)


def test_a_missing_yesterday_fails_the_run_of_the_morning(look: Look) -> None:
    run = look()
    assert (run.success, failed_checks(run)) == (False, {"yesterday_is_there"})


@pytest.mark.usefixtures("is_there")
def test_a_day_that_was_left_failed_is_named(look: Look, instance: dg.DagsterInstance) -> None:
    @dg.op
    def fail() -> None:
        raise ValueError("no")

    @dg.job
    def a_day() -> None:
        fail()

    a_day.execute_in_process(instance=instance, tags={"dagster/partition": str(YESTERDAY)}, raise_on_error=False)
    (check,) = (check for check in look().get_asset_check_evaluations() if not check.passed)
    assert (check.check_name, check.metadata["what"].value) == ("no_failed_days", YESTERDAY.isoformat())


def test_a_lake_that_starts_today_misses_no_yesterday(
    tmp_path: Path, settings_for: Callable[..., Settings], define: Callable[[Settings], dg.Definitions]
) -> None:
    settings = settings_for(tmp_path, start_day=date.today() + timedelta(days=1))
    assert define(settings).resolve_job_def(MORNING_JOB).execute_in_process().success


def test_someone_looks_at_three_in_the_morning_utc(
    settings: Settings, define: Callable[[Settings], dg.Definitions]
) -> None:
    schedule = define(settings).resolve_schedule_def("morning")
    assert (schedule.cron_schedule, schedule.execution_timezone, schedule.job_name) == ("0 3 * * *", "UTC", MORNING_JOB)
