"""Delta tables as Dagster sees them."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from image_assets.orchestration.assets.delta import DELTA_UPKEEP
from image_assets.orchestration.keys import DELTA_GOLD
from image_assets.settings import Settings
from image_assets.tables.gold import GOLD_IMAGES

DAY = "2026-03-14"


def assets_of(definitions: dg.Definitions) -> set[str]:
    return {spec.key.to_user_string() for spec in definitions.resolve_all_asset_specs()}


@pytest.fixture
def published(full_copy: Settings, tmp_path: Path) -> Settings:
    return full_copy.model_copy(update={"delta": str(tmp_path / "delta"), "delta_keep_hours": 0})


def test_there_are_no_delta_tables_unless_the_settings_say_where(
    define: Callable[[Settings], dg.Definitions], published: Settings
) -> None:
    assert {DELTA_GOLD, DELTA_UPKEEP} <= assets_of(define(published))
    assert not {DELTA_GOLD, DELTA_UPKEEP} & assets_of(define(published.model_copy(update={"delta": None})))


def test_a_day_is_published_and_left_alone_the_second_time(
    define: Callable[[Settings], dg.Definitions], published: Settings, instance: dg.DagsterInstance
) -> None:
    job, told = define(published).resolve_implicit_global_asset_job_def(), []
    for _ in range(2):
        result = job.execute_in_process(asset_selection=[dg.AssetKey(DELTA_GOLD)], partition_key=DAY, instance=instance)
        (event,) = result.get_asset_materialization_events()
        told.append(event.materialization.metadata["outcome"].value)
    assert told == ["published", "unchanged"]
    gold = pl.read_parquet(published.root / "tables" / GOLD_IMAGES.name / f"{DAY}.parquet")
    assert pl.read_delta(f"{published.delta}/{GOLD_IMAGES.name}").height == gold.height > 0


def test_housekeeping_tidies_the_tables(
    define: Callable[[Settings], dg.Definitions], published: Settings, instance: dg.DagsterInstance
) -> None:
    job = define(published).resolve_implicit_global_asset_job_def()
    job.execute_in_process(asset_selection=[dg.AssetKey(DELTA_GOLD)], partition_key=DAY, instance=instance)
    result = job.execute_in_process(asset_selection=[dg.AssetKey(DELTA_UPKEEP)], instance=instance)
    (event,) = result.get_asset_materialization_events()
    assert event.materialization.metadata[f"{GOLD_IMAGES.name}_removed"].value == 0
