"""What recent runs recorded of their speed."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date

import dagster as dg
import pytest

from image_assets.orchestration.runs.local_runs import run_days
from image_assets.orchestration.runs.throughput import Throughput, recent_throughput
from image_assets.settings import Settings

DAY, NEXT_DAY = date(2026, 3, 15), date(2026, 3, 16)
STEPS = ("bronze_images", "silver_images", "thumbnails", "image_embeddings", "gold_images")


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


@pytest.fixture(scope="module")
def two_days(
    copy_full: Callable[[], Settings], define: Callable[[Settings], dg.Definitions]
) -> Iterator[dg.DagsterInstance]:
    """An instance that has seen one run of two days, and one of another job."""
    with dg.DagsterInstance.ephemeral() as instance:
        list(run_days(define(copy_full()), instance, [DAY, NEXT_DAY]))
        yield instance


def test_a_day_takes_the_rest_of_the_run_besides_its_steps(two_days: dg.DagsterInstance) -> None:
    (run,) = two_days.get_run_records(dg.RunsFilter(job_name="daily_images"))
    assert run.start_time
    assert run.end_time
    besides = recent(two_days, *STEPS).seconds_per_day
    assert besides is not None
    assert 0 < besides < (run.end_time - run.start_time) / 2


def test_a_run_that_did_not_make_every_table_says_nothing_of_a_day(two_days: dg.DagsterInstance) -> None:
    assert recent(two_days, *STEPS, "image_text_of_another_world").seconds_per_day is None
