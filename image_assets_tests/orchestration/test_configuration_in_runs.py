"""What is set in the lake while a code server runs: its next run, check and look of a sensor go by it."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from image_assets.configuration import change_configuration
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.jobs import DAILY_JOB
from image_assets.orchestration.runs.json_console import console_config
from image_assets.settings import Settings
from image_assets.tables.images import SILVER_IMAGES, THUMBNAILS, WATERMARKED_PREVIEWS

DAY, OTHER = date(2026, 3, 15), date(2026, 3, 16)
QUIET = console_config("CRITICAL")


def run(definitions: dg.Definitions, *assets: str, day: date = DAY, **more: Any) -> dg.ExecuteInProcessResult:
    job = definitions.resolve_job_def(DAILY_JOB)
    chosen = [dg.AssetKey(name) for name in assets]
    return job.execute_in_process(**{"run_config": QUIET, "partition_key": str(day), "asset_selection": chosen} | more)


def put(settings: Settings, **values: object) -> None:
    change_configuration(LocalObjectStore(settings.root), values, "ann", datetime(2026, 3, 17, tzinfo=UTC))


@pytest.fixture
def server(full_copy: Settings, define: Callable[[Settings], dg.Definitions]) -> dg.Definitions:
    """What a code server has loaded before anything was set in the lake."""
    definitions = define(full_copy)
    assert run(definitions, "bronze_images", "silver_images", "thumbnails", "watermarked_previews").success
    return definitions


def recipes(tables: ParquetTables, day: date = DAY) -> list[set[str]]:
    derived = (SILVER_IMAGES, THUMBNAILS, WATERMARKED_PREVIEWS)
    return [set(tables.read(table, day)["recipe_version"]) for table in derived]


def test_another_watermark_makes_the_previews_anew_of_days_that_are_run_and_nothing_else(
    full_copy: Settings, server: dg.Definitions, tables_of: Callable[[Settings], ParquetTables]
) -> None:
    tables = tables_of(full_copy)
    before, other = recipes(tables), recipes(tables, OTHER)
    pictures = {path: path.read_bytes() for path in (full_copy.root / "watermarked").rglob("*.jpg")}
    put(full_copy, watermark_text="SPRING SALE")
    assert run(server, "silver_images", "thumbnails", "watermarked_previews").success
    after = recipes(tables)
    assert (after[:2], recipes(tables, OTHER)) == (before[:2], other)
    assert after[2] != before[2]
    changed = {path.stem for path, data in pictures.items() if path.read_bytes() != data}
    assert changed == set(tables.read(WATERMARKED_PREVIEWS, DAY)["image_id"])


def test_a_value_taken_back_makes_what_the_environment_says(
    full_copy: Settings, server: dg.Definitions, tables_of: Callable[[Settings], ParquetTables]
) -> None:
    tables = tables_of(full_copy)
    before = recipes(tables)
    for text in ("SPRING SALE", None):
        put(full_copy, watermark_text=text)
        assert run(server, "watermarked_previews").success
    assert recipes(tables) == before


def test_limits_of_what_is_accepted_are_those_in_force(
    full_copy: Settings, server: dg.Definitions, tables_of: Callable[[Settings], ParquetTables]
) -> None:
    put(full_copy, min_side_px=2_000)
    assert run(server, "bronze_images", "rejected_images").success
    rejected = tables_of(full_copy).read_column("rejected_images", DAY, "reason")
    assert set(rejected) == {"too_small"}


def test_the_threshold_of_reviews_is_the_one_in_force(
    full_copy: Settings, server: dg.Definitions, tables_of: Callable[[Settings], ParquetTables]
) -> None:
    put(full_copy, review_threshold=1.0)
    assert run(server, "image_predictions", "gold_images").success
    everybody = tables_of(full_copy).read_column("gold_images", DAY, "needs_review")
    put(full_copy, review_threshold=0.0)
    assert run(server, "image_predictions", "gold_images").success
    assert everybody.all()
    assert not tables_of(full_copy).read_column("gold_images", DAY, "needs_review").any()


def test_a_sensor_watches_days_that_were_made_with_what_is_in_force(
    full_copy: Settings,
    server: dg.Definitions,
    instance: dg.DagsterInstance,
    land: Callable[..., Path],
    draw_picture: Callable[[int], bytes],
) -> None:
    put(full_copy, duplicate_bits=3)
    for day in (DAY, OTHER):
        assert run(server, "duplicate_images", day=day).success
    assert asked_days(server, instance) == []
    land(full_copy.root, DAY, "late.jpg", draw_picture(77))
    assert run(server, "bronze_images", "silver_images", "image_embeddings", "duplicate_images").success
    assert asked_days(server, instance) == [OTHER]


def asked_days(server: dg.Definitions, instance: dg.DagsterInstance) -> list[date]:
    named = {name: server.resources[name] for name in ("lake", "gpu")}  # type: ignore[index]
    with dg.build_sensor_context(instance, resources=named) as context:
        result = server.resolve_sensor_def("later_days")(context)
    assert isinstance(result, dg.SensorResult)
    return [date.fromisoformat(day) for day in json.loads(str(result.cursor))]


def test_a_check_goes_by_what_is_in_force(
    tmp_path: Path,
    settings_for: Callable[..., Settings],
    define: Callable[[Settings], dg.Definitions],
    land: Callable[..., Path],
) -> None:
    settings = settings_for(tmp_path)
    server = define(settings)
    for number in range(50):
        land(tmp_path, DAY, f"{number}.jpg", b"no picture %d" % number)
    assert not passes(run(server, "bronze_images", "rejected_images"), "rejected_share")
    put(settings, max_rejected=1.0)
    assert passes(run(server, "rejected_images"), "rejected_share")


def passes(result: dg.ExecuteInProcessResult, check: str) -> bool:
    (found,) = [each for each in result.get_asset_check_evaluations() if each.check_name == check]
    return bool(found.passed)


def test_a_damaged_version_fails_the_step_and_is_named(full_copy: Settings, server: dg.Definitions) -> None:
    put(full_copy, watermark_text="x")
    place = full_copy.root / "configuration" / "00000001.json"
    place.write_bytes(b"{")
    result = run(server, "watermarked_previews", raise_on_error=False)
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    told = failed.step_failure_data.user_failure_data
    assert not result.success
    assert told is not None
    assert f"{place} is damaged" in str(told.description)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made
