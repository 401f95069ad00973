"""What is read from Dagster's memory: days that failed."""

from collections.abc import Callable, Iterator
from datetime import date

import dagster as dg
import pytest

from image_assets.orchestration.runs.history import (
    days_of_run,
    days_under_way,
    failed_days,
)
from image_assets.orchestration.runs.local_runs import run_days
from image_assets.settings import Settings

DAY, OTHER_DAY, NEVER_RUN = date(2026, 3, 15), date(2026, 3, 16), date(2026, 3, 20)


@pytest.fixture(scope="module")
def settings_of_failure(copy_full: Callable[[], Settings]) -> Settings:
    """The later day's table of cleansed images is no Parquet; duplicates of a day look at all days before it."""
    settings = copy_full()
    (settings.root / "tables" / "silver_images" / f"{OTHER_DAY}.parquet").write_bytes(b"PAR1 no more")
    return settings


@pytest.fixture(scope="module")
def after_failure(
    settings_of_failure: Settings, define: Callable[[Settings], dg.Definitions]
) -> Iterator[dg.DagsterInstance]:
    """Two days were run, one of which cannot succeed."""
    with dg.DagsterInstance.ephemeral() as instance:
        list(run_days(define(settings_of_failure), instance, [DAY, OTHER_DAY]))
        yield instance


def test_a_day_that_failed_does_not_hold_the_other(after_failure: dg.DagsterInstance) -> None:
    assert failed_days(after_failure, [DAY, OTHER_DAY, NEVER_RUN]) == {OTHER_DAY}


def test_a_day_that_was_repaired_is_no_failed_day(
    copy_full: Callable[[], Settings], define: Callable[[Settings], dg.Definitions], instance: dg.DagsterInstance
) -> None:
    settings = copy_full()
    file = settings.root / "tables" / "silver_images" / f"{DAY}.parquet"
    good = file.read_bytes()
    for content in (b"PAR1 no more", good):
        file.write_bytes(content)
        list(run_days(define(settings), instance, [DAY]))
    assert failed_days(instance, [DAY]) == set()


@pytest.mark.parametrize(
    ("tags", "days"),
    [
        ({"dagster/partition": "2026-03-15"}, [DAY]),
        (
            {"dagster/asset_partition_range_start": "2026-03-15", "dagster/asset_partition_range_end": "2026-03-16"},
            [DAY, OTHER_DAY],
        ),
        ({}, []),
    ],
)
def test_the_days_of_a_run_are_in_its_tags(tags: dict[str, str], days: list[date]) -> None:
    assert days_of_run(tags) == days


def test_days_of_runs_that_have_not_ended_are_under_way(instance: dg.DagsterInstance) -> None:
    for day, status in ((DAY, dg.DagsterRunStatus.STARTED), (OTHER_DAY, dg.DagsterRunStatus.FAILURE)):
        instance.add_run(dg.DagsterRun("a_day", tags={"dagster/partition": str(day)}, status=status))
    assert days_under_way(instance) == {DAY}
