"""What recent runs recorded of their speed."""

from collections.abc import Mapping
from datetime import date

import dagster as dg
import pytest
from dagster._core.events import StepMaterializationData

from image_assets.orchestration.jobs import DAILY_JOB
from image_assets.orchestration.runs.throughput import Throughput, recent_throughput

DAY, NEXT_DAY = date(2026, 3, 15), date(2026, 3, 16)


def record(instance: dg.DagsterInstance, computed: int, seconds: float, recipe: str = "now") -> None:
    metadata: Mapping[str, float | str] = {"computed": computed, "seconds": seconds, "recipe_versions": recipe}
    instance.report_runless_asset_event(dg.AssetMaterialization("silver_images", metadata=metadata))


def recent(instance: dg.DagsterInstance, *assets: str) -> Throughput:
    return recent_throughput(instance, dict.fromkeys(assets, "now"))


def test_a_speed_is_images_over_seconds_of_what_was_computed(instance: dg.DagsterInstance) -> None:
    for computed, seconds in ((30, 2.0), (10, 2.0), (0, 50.0)):
        record(instance, computed, seconds)
    assert recent(instance, "silver_images", "never_made").images_per_second == {"silver_images": 10.0}


def test_unchanged_days_do_not_hide_the_last_that_was_computed(instance: dg.DagsterInstance) -> None:
    record(instance, 30, 2.0)
    for _ in range(60):
        record(instance, 0, 0.1)
    assert recent(instance, "silver_images").images_per_second == {"silver_images": 15.0}


def test_the_wanted_recipe_alone_counts_where_it_was_timed(instance: dg.DagsterInstance) -> None:
    record(instance, 100, 1.0, "former")
    record(instance, 1, 1.0, "now")
    record(instance, 100, 1.0, "former")
    found = recent(instance, "silver_images")
    assert (found.images_per_second, found.of_former_recipes) == ({"silver_images": 1.0}, frozenset())


def test_a_speed_of_another_recipe_is_called_so(instance: dg.DagsterInstance) -> None:
    record(instance, 100, 1.0, "former")
    found = recent(instance, "silver_images")
    assert (found.images_per_second, found.of_former_recipes) == ({"silver_images": 100.0}, {"silver_images"})


@pytest.fixture
def two_days(instance: dg.DagsterInstance) -> dg.DagsterInstance:
    """An instance that has seen a run of two days: 100 s, 20 of them in bronze and 60 in one step with two tables."""
    tags = {"dagster/asset_partition_range_start": str(DAY), "dagster/asset_partition_range_end": str(NEXT_DAY)}
    run = instance.add_run(dg.DagsterRun(DAILY_JOB, tags=tags, status=dg.DagsterRunStatus.STARTED))

    def tell(kind: str, at: float, step: str | None = None, data: StepMaterializationData | None = None) -> None:
        event = dg.DagsterEvent(kind, DAILY_JOB, step_key=step, event_specific_data=data)
        instance.report_dagster_event(event, run.run_id, timestamp=at)

    tell("PIPELINE_START", 1_000.0)
    for step, asset, seconds in (
        ("bronze_images", "bronze_images", 10.0),
        ("derivatives", "silver_images", 30.0),
        ("derivatives", "thumbnails", 29.0),
    ):
        for day in (DAY, NEXT_DAY):
            made = dg.AssetMaterialization(asset, partition=str(day), metadata={"seconds": seconds})
            tell("ASSET_MATERIALIZATION", 1_050.0, step, StepMaterializationData(made))
    tell("PIPELINE_SUCCESS", 1_100.0)
    return instance


def test_a_day_takes_the_rest_of_the_run_besides_its_steps(two_days: dg.DagsterInstance) -> None:
    assert recent(two_days, "bronze_images", "silver_images", "thumbnails").seconds_per_day == 10.0


def test_a_run_that_did_not_make_every_table_says_nothing_of_a_day(two_days: dg.DagsterInstance) -> None:
    assert recent(two_days, "bronze_images", "image_embeddings").seconds_per_day is None
