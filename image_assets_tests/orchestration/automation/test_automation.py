"""When a run is asked for: by the clock, by new files, by what changed upstream."""

import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from image_assets.orchestration.jobs import DAILY_JOB, WAREHOUSE_JOB
from image_assets.orchestration.partitions import day_tags
from image_assets.orchestration.resources import LakeResource
from image_assets.orchestration.runs.at_work import PROCESS_TAG
from image_assets.orchestration.runs.history import INVOCATION_TAG
from image_assets.settings import Settings
from image_assets.tables.chain import LANDING

# `dg.evaluate_automation_conditions` uses a beta parameter of Dagster's own.
pytestmark = pytest.mark.filterwarnings("ignore:Parameter `include_sources`:dagster_shared.utils.warnings.BetaWarning")

TODAY = datetime.now(UTC).date()
YESTERDAY, DAY_BEFORE, LAST_WEEK, LONG_AGO = (TODAY - timedelta(days=days) for days in (1, 2, 7, 40))
DRAWN_DAY, OTHER_DRAWN_DAY = date(2026, 3, 15), date(2026, 3, 16)

Define = Callable[[Settings], dg.Definitions]


class Sensor:
    """The landing sensor over a root of its own; remembers its cursor as the daemon does."""

    def __init__(self, root: Path, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self.root = root
        self.cursor: str | None = None
        self.instance = instance
        self._definitions = definitions

    def tick(self) -> dg.SensorResult:
        sensor = self._definitions.resolve_sensor_def("landing_sensor")
        lake = LakeResource(root=str(self.root))
        resources = {"lake": lake}
        result = sensor(dg.build_sensor_context(self.instance, cursor=self.cursor, resources=resources))
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        return result

    def days(self) -> list[str | None]:
        return [request.partition_key for request in self.tick().run_requests or []]

    def run_keys(self) -> list[str | None]:
        return [request.run_key for request in self.tick().run_requests or []]


@pytest.fixture
def sensor(
    tmp_path: Path, define: Define, settings_for: Callable[..., Settings], instance: dg.DagsterInstance
) -> Sensor:
    settings = settings_for(tmp_path, landing_lookback_days=30, start_day=TODAY - timedelta(days=60))
    return Sensor(tmp_path, define(settings), instance)


def test_an_empty_landing_zone_asks_for_nothing(sensor: Sensor) -> None:
    assert sensor.days() == []


def test_new_days_are_asked_for_in_order(sensor: Sensor, land: Callable[..., Path]) -> None:
    land(sensor.root, YESTERDAY, "a.jpg", b"1")
    land(sensor.root, DAY_BEFORE, "a.jpg", b"1")
    assert sensor.days() == [DAY_BEFORE.isoformat(), YESTERDAY.isoformat()]


def test_todays_uploads_do_not_wait_for_midnight(sensor: Sensor, land: Callable[..., Path]) -> None:
    land(sensor.root, TODAY, "a.jpg", b"1")
    assert sensor.days() == [TODAY.isoformat()]


def test_a_landing_zone_that_did_not_change_asks_for_nothing(sensor: Sensor, land: Callable[..., Path]) -> None:
    land(sensor.root, YESTERDAY, "a.jpg", b"1")
    sensor.tick()
    assert sensor.days() == []


def test_a_quiet_look_keeps_what_the_sensor_knows(sensor: Sensor, land: Callable[..., Path]) -> None:
    land(sensor.root, YESTERDAY, "a.jpg", b"1")
    sensor.tick()
    sensor.tick()
    assert sensor.days() == []


def test_a_late_file_asks_for_its_day_alone(sensor: Sensor, land: Callable[..., Path]) -> None:
    for day in (DAY_BEFORE, YESTERDAY):
        land(sensor.root, day, "a.jpg", b"1")
    sensor.tick()
    land(sensor.root, DAY_BEFORE, "late.jpg", b"2")
    assert sensor.days() == [DAY_BEFORE.isoformat()]


def test_a_late_sidecar_asks_for_its_day(sensor: Sensor, land: Callable[..., Path]) -> None:
    land(sensor.root, YESTERDAY, "a.jpg", b"1")
    sensor.tick()
    land(sensor.root, YESTERDAY, "a.jpg.json", b"{}")
    assert sensor.days() == [YESTERDAY.isoformat()]


def test_a_file_replaced_in_place_gives_a_new_run_key(sensor: Sensor, land: Callable[..., Path]) -> None:
    path = land(sensor.root, YESTERDAY, "a.jpg", b"1")
    first = sensor.run_keys()
    times = path.stat()
    land(sensor.root, YESTERDAY, "a.jpg", b"2")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    second = sensor.run_keys()
    assert len({*first, *second}) == 2


def test_the_same_uploads_give_the_same_run_key(sensor: Sensor, land: Callable[..., Path]) -> None:
    land(sensor.root, YESTERDAY, "a.jpg", b"1")
    first = sensor.run_keys()
    sensor.cursor = None
    assert sensor.run_keys() == first


def test_days_before_the_lookback_are_left_alone(sensor: Sensor, land: Callable[..., Path]) -> None:
    land(sensor.root, LONG_AGO, "a.jpg", b"1")
    assert sensor.days() == []


def test_each_change_is_recorded_as_an_observation_of_the_landing_zone(
    sensor: Sensor, land: Callable[..., Path]
) -> None:
    land(sensor.root, YESTERDAY, "a.jpg", b"1")
    (observed,) = sensor.tick().asset_events
    assert (observed.asset_key.to_user_string(), observed.partition) == (LANDING, YESTERDAY.isoformat())
    assert {name: each.value for name, each in observed.metadata.items()} == {"uploads": 1, "total_size_bytes": 1}


def add_run(
    sensor: Sensor,
    *days: date,
    status: dg.DagsterRunStatus = dg.DagsterRunStatus.NOT_STARTED,
    assets: frozenset[dg.AssetKey] | None = None,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> dg.DagsterRun:
    """A run of some days that has not ended; one of the daily job that waits, if nothing else is said."""
    job = DAILY_JOB if assets is None else "__ASSET_JOB"
    tags = {**day_tags(days), **tags}
    return sensor.instance.add_run(dg.DagsterRun(job_name=job, tags=tags, status=status, asset_selection=assets))


def test_a_day_whose_run_waits_is_not_asked_for_again(sensor: Sensor, land: Callable[..., Path]) -> None:
    land(sensor.root, YESTERDAY, "a.jpg", b"1")
    land(sensor.root, DAY_BEFORE, "a.jpg", b"1")
    add_run(sensor, YESTERDAY)
    assert sensor.days() == [DAY_BEFORE.isoformat()]


@pytest.mark.parametrize(("asset", "asked"), [("bronze_images", []), ("gold_images", [YESTERDAY.isoformat()])])
def test_a_backfill_that_waits_will_see_the_files_if_it_reads_the_landing_zone(
    sensor: Sensor, land: Callable[..., Path], asset: str, asked: list[str]
) -> None:
    land(sensor.root, YESTERDAY, "a.jpg", b"1")
    add_run(sensor, DAY_BEFORE, YESTERDAY, assets=frozenset({dg.AssetKey(asset)}))
    assert sensor.days() == asked


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("days", [[YESTERDAY], [DAY_BEFORE, YESTERDAY]], ids=["alone", "among others"])
def test_what_arrives_while_its_day_runs_is_asked_for_afterwards(
    sensor: Sensor, land: Callable[..., Path], days: list[date], is_known: bool
) -> None:
    if is_known:
        land(sensor.root, YESTERDAY, "a.jpg", b"1")
        sensor.tick()
    run = add_run(sensor, *days, status=dg.DagsterRunStatus.STARTED)
    land(sensor.root, YESTERDAY, "b.jpg", b"2")
    assert [sensor.days(), sensor.days()] == [[], []]
    sensor.instance.report_run_canceled(run)
    assert [sensor.days(), sensor.days()] == [[YESTERDAY.isoformat()], []]


def test_what_arrives_while_a_command_line_runs_its_day_is_asked_for_afterwards(
    sensor: Sensor, land: Callable[..., Path]
) -> None:
    land(sensor.root, YESTERDAY, "a.jpg", b"1")
    tags = {INVOCATION_TAG: "1", PROCESS_TAG: "pid 1 on elsewhere"}
    run = add_run(sensor, YESTERDAY, status=dg.DagsterRunStatus.STARTED, tags=tags)
    assert sensor.days() == []
    sensor.instance.report_run_canceled(run)
    assert sensor.days() == [YESTERDAY.isoformat()]


@pytest.fixture
def late(sensor: Sensor, land: Callable[..., Path]) -> Sensor:
    """A sensor that knew every file, until one arrived for a day of last week."""
    land(sensor.root, LAST_WEEK, "a.jpg", b"1")
    sensor.tick()
    land(sensor.root, LAST_WEEK, "late.jpg", b"2")
    return sensor


def pass_an_hour(sensor: Sensor) -> None:
    memory = json.loads(sensor.cursor or "")
    sensor.cursor = json.dumps({**memory, "hour": memory["hour"] - 1})


def test_days_before_the_last_are_listed_once_an_hour(late: Sensor) -> None:
    assert late.days() == []
    pass_an_hour(late)
    assert [late.days(), late.days()] == [[LAST_WEEK.isoformat()], []]


def test_an_old_day_that_waits_for_its_run_is_listed_at_each_look(late: Sensor) -> None:
    run = add_run(late, LAST_WEEK, status=dg.DagsterRunStatus.STARTED)
    pass_an_hour(late)
    assert late.days() == []
    late.instance.report_run_canceled(run)
    assert [late.days(), late.days()] == [[LAST_WEEK.isoformat()], []]


def test_a_cursor_of_before_there_were_hours_is_understood(late: Sensor) -> None:
    late.cursor = json.dumps(json.loads(late.cursor or "")["seen"])
    assert [late.days(), late.days()] == [[LAST_WEEK.isoformat()], []]


def test_a_command_line_that_was_killed_holds_nothing(sensor: Sensor, land: Callable[..., Path]) -> None:
    land(sensor.root, YESTERDAY, "a.jpg", b"1")
    add_run(sensor, YESTERDAY, status=dg.DagsterRunStatus.STARTED, tags={INVOCATION_TAG: "1"})
    assert sensor.days() == [YESTERDAY.isoformat()]


def test_what_arrives_after_the_waiting_run_has_started_is_asked_for(sensor: Sensor, land: Callable[..., Path]) -> None:
    land(sensor.root, YESTERDAY, "a.jpg", b"1")
    run = add_run(sensor, YESTERDAY)
    sensor.tick()
    sensor.instance.report_run_canceled(run)
    land(sensor.root, YESTERDAY, "b.jpg", b"2")
    assert sensor.days() == [YESTERDAY.isoformat()]


@pytest.fixture
def nightly(define: Define, settings_for: Callable[..., Settings], tmp_path: Path) -> dg.ScheduleDefinition:
    return define(settings_for(tmp_path)).resolve_schedule_def("nightly")


def day_asked_for(nightly: dg.ScheduleDefinition, at: datetime) -> str | None:
    request = nightly(dg.build_schedule_context(scheduled_execution_time=at))
    assert isinstance(request, dg.RunRequest)
    return request.partition_key


def test_the_schedule_fires_at_two_in_the_morning_utc(nightly: dg.ScheduleDefinition) -> None:
    assert (nightly.cron_schedule, nightly.execution_timezone) == ("0 2 * * *", "UTC")


def test_the_schedule_runs_the_daily_job(nightly: dg.ScheduleDefinition) -> None:
    assert nightly.job_name == DAILY_JOB


@pytest.mark.parametrize(
    ("today", "yesterday"),
    [
        (date(2026, 6, 10), "2026-06-09"),
        (date(2027, 1, 1), "2026-12-31"),
        (date(2026, 3, 29), "2026-03-28"),
        (date(2026, 3, 30), "2026-03-29"),
        (date(2026, 10, 25), "2026-10-24"),
        (date(2026, 10, 26), "2026-10-25"),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_the_schedule_asks_for_yesterday_also_when_clocks_change(
    nightly: dg.ScheduleDefinition, today: date, yesterday: str, zone: str
) -> None:
    at = datetime(today.year, today.month, today.day, 2, tzinfo=UTC).astimezone(ZoneInfo(zone))
    assert day_asked_for(nightly, at) == yesterday


def test_the_sensor_of_automation_runs_without_being_switched_on(
    define: Define, settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    sensor = define(settings_for(tmp_path)).resolve_sensor_def("automation")
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING


@pytest.fixture
def requested_after(
    define: Define, instance: dg.DagsterInstance, execute_days: Callable[..., dg.ExecuteInProcessResult]
) -> Callable[[Settings], int]:
    """How often automation asks for the warehouse after a run of the daily job."""

    def requested(settings: Settings) -> int:
        definitions = define(settings)
        before = dg.evaluate_automation_conditions(definitions, instance)
        execute_days(settings, DRAWN_DAY, instance=instance)
        after = dg.evaluate_automation_conditions(definitions, instance, cursor=before.cursor)
        return after.get_num_requested(dg.AssetKey("warehouse"))

    return requested


def test_the_warehouse_follows_a_daily_run(
    requested_after: Callable[[Settings], int], settings: Settings, first_run: dg.ExecuteInProcessResult
) -> None:
    assert first_run.success
    assert requested_after(settings) == 1


def test_the_warehouse_does_not_follow_a_run_whose_checks_failed(
    requested_after: Callable[[Settings], int], full_copy: Settings
) -> None:
    for file in (full_copy.root / "thumbnail").rglob("*.webp"):
        file.write_bytes(bytes(file.stat().st_size))
    assert requested_after(full_copy) == 0


def test_the_warehouse_job_builds_the_warehouse(full_copy: Settings, define: Define) -> None:
    assert define(full_copy).resolve_job_def(WAREHOUSE_JOB).execute_in_process().success
    assert (full_copy.root / "warehouse.duckdb").is_file()
