"""The index is an asset of its own, checked, and no day waits for it."""

from collections.abc import Callable
from datetime import date
from typing import Any

import dagster as dg
import pytest

from image_assets.orchestration.jobs import WAREHOUSE_JOB
from image_assets.settings import Settings

DAY = date(2026, 3, 15)

Define = Callable[[Settings], dg.Definitions]
MetadataOf = Callable[[dg.ExecuteInProcessResult], dict[tuple[str, str], dict[str, Any]]]


@pytest.fixture
def make_index(full_copy: Settings, define: Define) -> Callable[[], dg.ExecuteInProcessResult]:
    """Materialize the index of a full lake, and run its checks."""
    job = define(full_copy).resolve_job_def(WAREHOUSE_JOB)
    asset = dg.AssetKey("vector_index")
    return lambda: job.execute_in_process(asset_selection=[asset], raise_on_error=False)


def test_the_map_is_drawn_after_the_index_and_once_for_each_build(
    define: Define, metadata_of: MetadataOf, full_copy: Settings
) -> None:
    job = define(full_copy).resolve_job_def(WAREHOUSE_JOB)
    assets = [dg.AssetKey("vector_index"), dg.AssetKey("vector_map")]
    told = [metadata_of(job.execute_in_process(asset_selection=assets))["vector_map", "None"] for _ in range(2)]
    assert [each["outcome"] for each in told] == ["drawn", "unchanged"]
    assert told[0]["points"] == told[0]["vectors"] > 0


def found_by(run: dg.ExecuteInProcessResult) -> dict[str, tuple[bool, Any]]:
    return {
        each.check_name: (each.passed, {name: value.value for name, value in each.metadata.items()})
        for each in run.get_asset_check_evaluations()
    }


def test_the_index_says_what_is_in_it(
    make_index: Callable[[], dg.ExecuteInProcessResult], metadata_of: MetadataOf, full_copy: Settings
) -> None:
    told = metadata_of(make_index())["vector_index", "None"]
    assert (told["outcome"], told["kind"], told["removed"]) == (f"built anew: {told['vectors']} vectors", "exact", 0)
    assert told["dagster/uri"] == str(full_copy.root / "index" / "colours")
    assert told["dagster/size_bytes"] > 0


def test_an_index_that_is_up_to_date_is_left_alone(
    make_index: Callable[[], dg.ExecuteInProcessResult], metadata_of: MetadataOf
) -> None:
    make_index()
    assert metadata_of(make_index())["vector_index", "None"]["outcome"] == "unchanged"


def test_the_index_is_checked_for_coverage_and_recall(make_index: Callable[[], dg.ExecuteInProcessResult]) -> None:
    found = found_by(make_index())
    assert (found["coverage"][0], found["coverage"][1]["what"]) == (True, "nothing")
    assert (found["recall"][0], found["recall"][1]["recall_at_10"]) == (True, 1.0)


def test_a_day_can_be_searched_when_its_run_ends(
    settings: Settings, define: Define, execute_days: Callable[..., dg.ExecuteInProcessResult]
) -> None:
    run = execute_days(settings, DAY)
    passed, told = found_by(run)["searchable"]
    assert (passed, told["examined"], told["problems"]) == (True, 3, 0)
