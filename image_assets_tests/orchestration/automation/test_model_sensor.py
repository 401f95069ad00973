"""Another champion or another encoder asks for every day once, some days at a time."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from image_assets.ids import ObjectKey
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.object_keys import CHAMPION
from image_assets.orchestration.automation.model_sensor import model_sensor
from image_assets.orchestration.partitions import daily_partitions
from image_assets.orchestration.resources import LakeResource
from image_assets.orchestration.runs.history import days_of_run

DAYS = [str(date(2026, 1, 1) + timedelta(days=number)) for number in range(40)]

PARTITIONS = daily_partitions(date(2026, 1, 1))

Look = Callable[[str], list[list[str]]]


@pytest.fixture
def promote(tmp_path: Path) -> Callable[[str], None]:
    champion = LocalObjectStore(tmp_path)
    return lambda version: champion.write(CHAMPION, json.dumps({"model_version": version, "predecessors": []}).encode())


@pytest.fixture
def look(tmp_path: Path, instance: dg.DagsterInstance) -> Look:
    """The days of each run that the sensor asks for over forty days; it remembers its cursor as the daemon does."""
    store, cursor = LocalObjectStore(tmp_path), [None]
    for day in DAYS:
        store.write(ObjectKey(f"landing/{day}/ann/a.jpg"), b"1")

    def tick(encoder: str) -> list[list[str]]:
        resources = {"lake": LakeResource(root=str(tmp_path))}
        result = model_sensor(PARTITIONS, encoder)(
            dg.build_sensor_context(instance, cursor=cursor[0], resources=resources)
        )
        assert isinstance(result, dg.SensorResult)
        cursor[0] = result.cursor  # type: ignore[call-overload]
        return [[str(day) for day in days_of_run(request.tags)] for request in result.run_requests or []]

    return tick


def test_the_first_look_only_takes_note(look: Look) -> None:
    assert look("builtin") == []


def test_the_same_models_ask_for_nothing(look: Look) -> None:
    look("builtin")
    assert look("builtin") == []


def test_another_encoder_asks_for_every_day_some_at_a_time(look: Look) -> None:
    look("builtin")
    assert [look("clip"), look("clip"), look("clip")] == [[DAYS[:28]], [DAYS[28:]], []]


def test_a_day_before_the_first_partition_is_not_asked_for(look: Look, tmp_path: Path) -> None:
    LocalObjectStore(tmp_path).write(ObjectKey("landing/2025-12-31/ann/a.jpg"), b"1")
    look("builtin")
    assert look("clip") == [DAYS[:28]]


def test_another_champion_asks_for_every_day(look: Look, promote: Callable[[str], None]) -> None:
    look("builtin")
    promote("7")
    assert look("builtin") == [DAYS[:28]]
