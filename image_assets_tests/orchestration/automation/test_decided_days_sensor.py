"""What people decide leads to a run of its days: once, together, and not while a run of theirs is under way."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.jobs import DAILY_JOB
from image_assets.orchestration.partitions import day_tags
from image_assets.orchestration.runs.history import days_of_run
from image_assets.settings import Settings
from image_assets.steps.classification.label_decisions import Decision, record_decisions
from image_assets.steps.classification.opinions import Kind
from image_assets.steps.images.landing import list_landing
from image_assets.steps.increment.retries import forget_rejections_of_items
from image_assets.steps.questions.unseen import decided_days, is_taken_in
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import rejections_of

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

_EVERY_DAY = 3650
Define = Callable[[Settings], dg.Definitions]


class Sensor:
    """The sensor over the lake of a scenario; remembers its cursor as the daemon does."""

    def __init__(self, day: "Scenario", definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self.day, self.definitions, self.instance = day, definitions, instance
        self.cursor: str | None = None
        self.name = "decided_days"

    def tick(self) -> dg.SensorResult:
        sensor = self.definitions.resolve_sensor_def(self.name)
        lake = self.definitions.resources["lake"]  # type: ignore[index]
        with dg.build_sensor_context(self.instance, cursor=self.cursor, resources={"lake": lake}) as context:
            result = sensor(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        return result

    def days(self) -> list[str]:
        return [str(day) for request in self.tick().run_requests or [] for day in days_of_run(request.tags)]

    def decide(self, image: str, kind: Kind = Kind.LABEL) -> None:
        label = "cap" if kind is Kind.LABEL else ""
        record_decisions(self.day.tables, [Decision(image, label, kind=kind)], "ann", datetime.now(UTC))


@pytest.fixture
def sensor(
    scenarios: ModuleType,
    tmp_path: Path,
    define: Define,
    settings_for: Callable[..., Settings],
    instance: dg.DagsterInstance,
) -> Sensor:
    """A day of two images and a file that is none, run once."""
    scenario: Scenario = scenarios.Scenario(tmp_path / "lake")
    scenario.land("anna/hat.jpg", scenarios.paint("red"))
    scenario.land("anna/shoe.jpg", scenarios.paint("blue"))
    scenario.land("anna/note.jpg", b"not a picture")
    scenario.run()
    settings = settings_for(scenario.root, start_day=scenario.day, landing_lookback_days=_EVERY_DAY)
    return Sensor(scenario, define(settings), instance)


def test_what_has_been_decided_is_asked_for_once_and_together(sensor: Sensor) -> None:
    assert (sensor.days(), sensor.tick().skip_reason) == ([], dg.SkipReason("every decision is in gold"))
    sensor.decide("hat.jpg")
    sensor.decide("shoe.jpg")
    assert sensor.days() == [str(sensor.day.day)]
    assert sensor.days() == []


def test_once_a_run_has_seen_it_nothing_is_left_to_ask_for(sensor: Sensor) -> None:
    sensor.decide("hat.jpg")
    sensor.day.run()
    assert (sensor.days(), decided_days(sensor.day.tables)) == ([], {})
    sensor.decide("hat.jpg", Kind.UNDO)
    assert sensor.days() == [str(sensor.day.day)]


def test_what_changes_nothing_is_asked_for_once(sensor: Sensor) -> None:
    sensor.decide("hat.jpg", Kind.SKIP)
    assert sensor.days() == [str(sensor.day.day)]
    sensor.day.run()
    assert sensor.days() == []


def test_a_day_waits_while_a_run_of_it_is_under_way(sensor: Sensor) -> None:
    tags = {**day_tags([sensor.day.day])}
    run = sensor.instance.add_run(dg.DagsterRun(DAILY_JOB, tags=tags, status=dg.DagsterRunStatus.STARTED))
    sensor.decide("hat.jpg")
    assert (sensor.days(), "1 days wait" in str(sensor.tick().skip_reason)) == ([], True)
    sensor.instance.report_run_canceled(run)
    assert sensor.days() == [str(sensor.day.day)]


def test_a_file_that_is_to_be_tried_again_asks_for_its_day(sensor: Sensor) -> None:
    tables = sensor.day.tables
    item = tables.read(rejections_of(BRONZE_IMAGES), sensor.day.day)["item"][0]
    assert forget_rejections_of_items(tables, sensor.day.day, [item]) == 1
    assert sensor.days() == [str(sensor.day.day)]
    sensor.day.run()
    assert (sensor.days(), decided_days(tables)) == ([], {})


def test_a_day_that_was_run_is_taken_in_until_a_file_comes(sensor: Sensor, scenarios: ModuleType) -> None:
    day = sensor.day

    def is_known(tables: ParquetTables) -> bool:
        return is_taken_in(tables, day.day, list_landing(tables.store, day.day).files)

    assert is_known(day.tables)
    day.land("anna/late.jpg", scenarios.paint("green"))
    assert not is_known(day.tables)
    day.take_in()
    assert not is_known(day.tables), "it is not in gold yet"


def test_the_landing_sensor_does_not_run_again_what_was_run_before_its_first_look(
    sensor: Sensor, scenarios: ModuleType
) -> None:
    sensor.name = "landing_sensor"
    first = sensor.tick()
    assert (first.run_requests, "nothing has come" in str(first.skip_reason)) == ([], True)
    sensor.day.land("anna/late.jpg", scenarios.paint("green"))
    sensor.cursor = None
    late = sensor.tick()
    assert [request.partition_key for request in late.run_requests or []] == [str(sensor.day.day)]
    assert late.skip_reason is None
