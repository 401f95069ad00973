"""Later days are compared again after a late file: once, in order, some at a time, and nothing else runs."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.object_keys import table_key
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.orchestration.automation.later_days import FOLLOWING
from image_assets.orchestration.jobs import DAILY_JOB
from image_assets.orchestration.runs.history import days_of_run
from image_assets.settings import Settings
from image_assets.steps.duplicates.duplicates import duplicate_target
from image_assets.steps.increment.stock import Target
from image_assets.steps.vectors.embeddings import embedding_target

FIRST = date(2026, 3, 14)
COLOURS = EncoderDescription("colours", "1", 3, 1, "none", "made in code")

Define = Callable[[Settings], dg.Definitions]


class Sensor:
    """Looks at a lake; remembers its cursor as the daemon does."""

    def __init__(self, settings: Settings, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self.settings = settings
        self.instance = instance
        self.definitions = definitions
        self.cursor: str | None = None

    def tick(self) -> dg.SensorResult:
        sensor = self.definitions.resolve_sensor_def("later_days")
        named = {name: self.definitions.resources[name] for name in ("lake", "gpu")}  # type: ignore[index]
        with dg.build_sensor_context(self.instance, cursor=self.cursor, resources=named) as context:
            result = sensor(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        return result

    def days(self) -> list[tuple[str, str]]:
        """First and last day of each run that is asked for."""
        return spans(*(days_of_run(request.tags) for request in self.tick().run_requests or []))

    def start_run(self, first: date, last: date) -> dg.DagsterRun:
        """A run of some days that is under way."""
        tags = {f"{RANGE}_start": str(first), f"{RANGE}_end": str(last)}
        return self.instance.add_run(dg.DagsterRun(DAILY_JOB, tags=tags, status=dg.DagsterRunStatus.STARTED))


RANGE = "dagster/asset_partition_range"


@pytest.fixture
def sensor(
    tmp_path: Path, define: Define, settings_for: Callable[..., Settings], instance: dg.DagsterInstance
) -> Sensor:
    """Over forty days that all were compared with other days than there are, but for the sixth."""
    settings = settings_for(tmp_path)
    for day in days_from(FIRST, 40):
        write(settings, embedding_target(COLOURS), day)
        write(settings, duplicate_target(settings.duplicate_params), day, images=int(day != FIRST + timedelta(days=5)))
    return Sensor(settings, define(settings), instance)


def days_from(first: date, number: int) -> list[date]:
    return [first + timedelta(days=each) for each in range(number)]


def write(settings: Settings, target: Target, day: date, images: int = 1) -> None:
    """A table's day with no more than the sensor reads; other days were there when it was made."""
    rows = {"image_id": "a", "input_version": "of before", "recipe_version": target.recipe_version}
    with LocalObjectStore(settings.root).writing(table_key(target.table.name, day)) as path:
        pl.DataFrame([rows]).head(images).write_parquet(path)


def spans(*days: Sequence[date]) -> list[tuple[str, str]]:
    return [(str(each[0]), str(each[-1])) for each in days]


def test_days_are_asked_for_in_order_up_to_twenty_eight_a_look(sensor: Sensor) -> None:
    after = days_from(FIRST + timedelta(days=6), 34)
    assert sensor.days() == spans(days_from(FIRST, 5), after[:23])
    assert sensor.days() == spans(after[23:])


def test_only_what_follows_from_a_comparison_is_run(sensor: Sensor) -> None:
    requests = sensor.tick().run_requests or []
    assert {key.to_user_string() for key in requests[0].asset_selection or []} == set(FOLLOWING)


def test_a_day_is_asked_for_once_however_its_run_ends(sensor: Sensor) -> None:
    sensor.tick()
    sensor.tick()
    quiet = sensor.tick()
    assert quiet.run_requests == []
    assert "39 days from 2026-03-14 on were asked for and are out of date" in str(quiet.skip_reason)


def test_a_state_that_comes_a_second_time_is_asked_for_a_second_time(sensor: Sensor) -> None:
    """As when a day is damaged and repaired; Dagster refuses a run key that it has seen."""
    last = FIRST + timedelta(days=39)
    for images in (1, 0, 1):
        write(sensor.settings, embedding_target(COLOURS), last, images)
        requests = [*(sensor.tick().run_requests or []), *(sensor.tick().run_requests or [])]
        assert (days_of_run(requests[-1].tags)[-1], requests[-1].run_key) == (last, None)


def test_a_day_that_changes_once_more_is_asked_for_once_more(sensor: Sensor) -> None:
    sensor.tick()
    sensor.tick()
    write(sensor.settings, embedding_target(COLOURS), FIRST + timedelta(days=38), images=0)
    assert sensor.days() == spans(days_from(FIRST + timedelta(days=38), 2))


def test_days_wait_while_an_earlier_day_runs(sensor: Sensor) -> None:
    run = sensor.start_run(FIRST, FIRST + timedelta(days=1))
    waiting = sensor.tick()
    assert waiting.run_requests == []
    assert "39 days from 2026-03-14 on wait" in str(waiting.skip_reason)
    sensor.instance.report_run_canceled(run)
    assert sensor.days()


def test_days_do_not_wait_for_a_later_one(sensor: Sensor) -> None:
    sensor.start_run(FIRST + timedelta(days=2), FIRST + timedelta(days=2))
    assert sensor.days() == spans(days_from(FIRST, 2))


def test_it_follows_without_being_switched_on(sensor: Sensor) -> None:
    followed = sensor.definitions.resolve_sensor_def("later_days")
    assert followed.default_status == dg.DefaultSensorStatus.RUNNING


def test_a_late_file_changes_the_later_day_that_has_a_copy_and_no_other(
    full_copy: Settings,
    define: Define,
    land: Callable[..., Path],
    draw_picture: Callable[[int], bytes],
    execute_days: Callable[..., dg.ExecuteInProcessResult],
    read_made: Callable[[Path], dict[str, Any]],
    instance: dg.DagsterInstance,
) -> None:
    later = Sensor(full_copy, define(full_copy), instance)
    assert later.days() == []
    land(full_copy.root, FIRST, "late.jpg", draw_picture(10))
    assert execute_days(full_copy, FIRST).success
    (request,) = later.tick().run_requests or []
    before = read_made(full_copy.root)
    job = later.definitions.resolve_job_def(DAILY_JOB)
    run = job.execute_in_process(instance=instance, tags=request.tags, asset_selection=request.asset_selection)
    after = read_made(full_copy.root)
    changed = {Path(path).relative_to(full_copy.root).as_posix() for path in after if after[path] != before.get(path)}
    assert run.success
    assert {path for path in changed if not path.startswith("reports/")} == {
        "tables/duplicate_images/2026-03-15.parquet",
        "tables/duplicate_images/2026-03-16.parquet",
        "tables/gold_images/2026-03-16.parquet",
        "tables/daily_summary/2026-03-16.parquet",
    }
    # A report shows the week before, the late file's day with it.
    assert {path.split("/")[1] for path in changed if path.startswith("reports/")} == {"2026-03-15", "2026-03-16"}
    assert later.days() == []
