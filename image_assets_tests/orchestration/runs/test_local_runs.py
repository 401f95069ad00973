"""Running days from the command line: how many runs, and what is told of them."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from image_assets.errors import ConfigurationError
from image_assets.orchestration.jobs import DAILY_JOB
from image_assets.orchestration.partitions import days_by_run
from image_assets.orchestration.runs.local_runs import RunReport, run_days
from image_assets.settings import Settings

QUIET_DAYS = [date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 4)]
DRAWN_DAY = date(2026, 3, 15)

Define = Callable[[Settings], dg.Definitions]


@pytest.fixture(scope="module")
def empty_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("empty")


@pytest.fixture(scope="module")
def quiet_days(settings_for: Callable[..., Settings], define: Define, empty_root: Path) -> list[RunReport]:
    """Days without uploads, one after the other."""
    with dg.DagsterInstance.ephemeral() as instance:
        return list(run_days(define(settings_for(empty_root)), instance, QUIET_DAYS))


def test_one_run_takes_days_that_follow_each_other(quiet_days: list[RunReport]) -> None:
    assert [report.days for report in quiet_days] == [tuple(QUIET_DAYS[:2]), tuple(QUIET_DAYS[2:]), ()]


def test_one_run_takes_at_most_four_weeks() -> None:
    days = [date(2026, 2, 1) + timedelta(days=number) for number in range(60)]
    assert list(days_by_run(days)) == [days[:28], days[28:56], days[56:]]


def test_every_run_of_good_days_succeeds(quiet_days: list[RunReport]) -> None:
    assert [(report.is_success, report.problems) for report in quiet_days] == [(True, ())] * 3


def test_the_warehouse_follows_the_last_run(quiet_days: list[RunReport], empty_root: Path) -> None:
    assert (empty_root / "warehouse.duckdb").is_file()


def test_runs_are_recorded_in_the_instance(full_copy: Settings, define: Define, instance: dg.DagsterInstance) -> None:
    reports = list(run_days(define(full_copy), instance, [DRAWN_DAY]))
    assert {run.run_id for run in instance.get_runs()} == {report.run_id for report in reports}


def test_days_go_on_without_the_one_that_cannot(
    full_copy: Settings, define: Define, instance: dg.DagsterInstance
) -> None:
    days = [DRAWN_DAY + timedelta(days=number) for number in range(4)]
    (full_copy.root / "tables" / "thumbnails" / f"{DRAWN_DAY}.parquet").write_bytes(b"PAR1 no more")
    reports = list(run_days(define(full_copy), instance, days))
    ended = [(list(report.days), report.is_success) for report in reports if report.days]
    assert ended == [(days[1:], True), ([DRAWN_DAY], False)]
    statuses = [run.status for run in instance.get_runs(dg.RunsFilter(job_name=DAILY_JOB))]
    assert statuses.count(dg.DagsterRunStatus.FAILURE) == 2


def test_a_failed_step_is_told_in_words(full_copy: Settings, define: Define, instance: dg.DagsterInstance) -> None:
    (full_copy.root / "tables" / "silver_images" / f"{DRAWN_DAY}.parquet").write_bytes(b"PAR1 no more")
    report = next(run_days(define(full_copy), instance, [DRAWN_DAY]))
    (problem,) = report.problems
    assert problem.startswith(f"derivatives: {DRAWN_DAY}: ")
    assert "Traceback" not in problem
    assert "Stack Trace" not in problem


@pytest.fixture(scope="module")
def report_of_failed_check(copy_full: Callable[[], Settings], define: Define) -> RunReport:
    settings = copy_full()
    for file in (settings.root / "thumbnail").rglob("*.webp"):
        file.write_bytes(bytes(file.stat().st_size))
    with dg.DagsterInstance.ephemeral() as instance:
        return next(run_days(define(settings), instance, [DRAWN_DAY]))


def test_a_run_with_a_failed_check_is_no_success(report_of_failed_check: RunReport) -> None:
    assert not report_of_failed_check.is_success


def test_a_failed_check_names_its_days(report_of_failed_check: RunReport) -> None:
    assert report_of_failed_check.bad_days == {DRAWN_DAY}


def test_a_failed_check_is_named(report_of_failed_check: RunReport) -> None:
    assert "check pixels_only of thumbnails failed" in "\n".join(report_of_failed_check.problems)


def test_a_failed_check_is_told_once_and_without_a_trace(report_of_failed_check: RunReport) -> None:
    assert "Stack Trace" not in "\n".join(report_of_failed_check.problems)


def test_a_failed_check_says_what_it_found(report_of_failed_check: RunReport) -> None:
    assert ".webp" in "\n".join(report_of_failed_check.problems)


@pytest.mark.parametrize("day", [date(2025, 12, 31), date(2099, 1, 1)])
def test_a_day_outside_the_partitions_is_refused_in_words(
    settings_for: Callable[..., Settings], define: Define, instance: dg.DagsterInstance, tmp_path: Path, day: date
) -> None:
    with pytest.raises(ConfigurationError, match=f"{day}.*IMAGE_ASSETS_START_DAY"):
        list(run_days(define(settings_for(tmp_path)), instance, [day]))
