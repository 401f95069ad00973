"""What we believe of Dagster and build on: a version that thinks otherwise fails here, by name, and not in a run."""

import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
import pytest

from image_assets.orchestration.checks.by_day import DayCheck
from image_assets.orchestration.partitions import BACKFILL_POLICY, daily_partitions, day_tags, days_of
from image_assets.steps.audits.day_audits import Audit

DAYS = ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"]
PARTITIONS = daily_partitions(date(2026, 3, 1))
PHOTOS, BOOK = dg.AssetKey("photos"), dg.AssetKey("book")
SHARP = dg.AssetCheckKey(PHOTOS, "sharp")
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

Run = Callable[..., dg.ExecuteInProcessResult]
States = Callable[[], dict[str, str]]


@dg.multi_asset(specs=[dg.AssetSpec(PHOTOS, partitions_def=PARTITIONS)], backfill_policy=BACKFILL_POLICY)
def photos(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
    for key in context.partition_keys:
        context.add_asset_metadata({"day": key}, asset_key=PHOTOS, partition_key=key)
    yield dg.MaterializeResult(asset_key=PHOTOS)


@dg.multi_asset(specs=[dg.AssetSpec(BOOK, partitions_def=PARTITIONS, deps=[PHOTOS])], backfill_policy=BACKFILL_POLICY)
def book(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
    yield dg.MaterializeResult(asset_key=BOOK)


@pytest.fixture
def blurred() -> set[str]:
    """Days whose photos fail their check."""
    return set()


@pytest.fixture
def sharp(blurred: set[str]) -> dg.AssetChecksDefinition:
    """A blocking check as ours are: a result per day."""
    declared = DayCheck(PARTITIONS, "photos", "sharp", "Every photo is sharp.", is_blocking=True)

    def check(context: dg.AssetCheckExecutionContext) -> Iterator[object]:
        found = {day: Audit(1, ("blurred",) if str(day) in blurred else ()) for day in days_of(context.partition_keys)}
        yield from declared.results(context, found)

    return declared.define(check)


def execute(
    instance: dg.DagsterInstance, definitions: dg.Definitions, assets: dg.AssetSelection, *days: str
) -> dg.ExecuteInProcessResult:
    job = dg.define_asset_job("job", assets)
    resolved = dg.Definitions.merge(definitions, dg.Definitions(jobs=[job])).resolve_job_def("job")
    return resolved.execute_in_process(
        instance=instance, run_config=QUIET, tags=day_tags(days_of(days)), raise_on_error=False
    )


@pytest.fixture
def run(instance: dg.DagsterInstance, sharp: dg.AssetChecksDefinition) -> Run:
    """Photos, their check and the book made of them, for some days in one run."""
    definitions = dg.Definitions(assets=[photos, book], asset_checks=[sharp], executor=dg.in_process_executor)
    return lambda *days: execute(instance, definitions, dg.AssetSelection.assets(PHOTOS, BOOK), *days)


@pytest.fixture
def states(instance: dg.DagsterInstance) -> States:
    """By day, what the UI shows of the check: the partition statuses that GraphQL reads."""

    def read() -> dict[str, str]:
        found = instance.event_log_storage.get_asset_check_state([(SHARP, PARTITIONS)])[SHARP]
        return {
            str(day): state.name
            for state, subset in found.subsets.items()
            for day in sorted(subset.subset_value.get_partition_keys())
        }

    return read


def started(result: dg.ExecuteInProcessResult) -> set[str]:
    return {event.step_key for event in result.all_events if event.is_step_start and event.step_key}


def test_days_that_follow_each_other_are_one_run_of_each_asset(run: Run) -> None:
    events = [event for event in run(*DAYS).all_events if event.is_step_materialization]
    assert [(event.step_key, event.partition) for event in events if event.step_key == "photos"] == [
        ("photos", day) for day in DAYS
    ]


def test_each_day_of_such_a_run_keeps_its_own_metadata(run: Run, instance: dg.DagsterInstance) -> None:
    run(*DAYS)
    records = instance.fetch_materializations(PHOTOS, limit=10).records
    told = {record.partition_key: record.asset_materialization for record in records}
    assert {day: made.metadata["day"].value for day, made in told.items() if made} == {day: day for day in DAYS}


def test_one_partition_key_is_not_to_be_had_in_a_run_of_several_days(instance: dg.DagsterInstance) -> None:
    @dg.multi_asset(specs=[dg.AssetSpec("a", partitions_def=PARTITIONS)], backfill_policy=BACKFILL_POLICY)
    def a(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        yield dg.MaterializeResult(metadata={"key": context.partition_key})

    definitions = dg.Definitions(assets=[a], executor=dg.in_process_executor)
    assert execute(instance, definitions, dg.AssetSelection.assets("a"), DAYS[0]).success
    assert not execute(instance, definitions, dg.AssetSelection.assets("a"), *DAYS).success


def test_days_that_were_logged_are_recorded_though_the_step_fails(instance: dg.DagsterInstance) -> None:
    @dg.multi_asset(specs=[dg.AssetSpec("a", partitions_def=PARTITIONS)], backfill_policy=BACKFILL_POLICY)
    def a(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        context.log_event(dg.AssetMaterialization("a", partition=DAYS[1]))
        raise dg.Failure("the other days are bad", allow_retries=False)

    definitions = dg.Definitions(assets=[a], executor=dg.in_process_executor)
    execute(instance, definitions, dg.AssetSelection.assets("a"), *DAYS)
    assert instance.get_materialized_partitions(dg.AssetKey("a")) == {DAYS[1]}


def test_a_bad_day_stops_what_follows_for_all_days_of_its_run(run: Run, blurred: set[str]) -> None:
    blurred.add(DAYS[2])
    result = run(*DAYS)
    assert (result.success, started(result)) == (False, {"photos", "photos_sharp"})


def test_a_check_stops_nothing_in_another_run(
    run: Run, blurred: set[str], instance: dg.DagsterInstance, sharp: dg.AssetChecksDefinition
) -> None:
    blurred.add(DAYS[2])
    run(*DAYS)
    definitions = dg.Definitions(assets=[photos, book], asset_checks=[sharp], executor=dg.in_process_executor)
    assert execute(instance, definitions, dg.AssetSelection.assets(BOOK), *DAYS).success


def test_every_day_of_a_run_has_a_result_of_its_own(run: Run, blurred: set[str], states: States) -> None:
    blurred.add(DAYS[2])
    run(*DAYS)
    assert states() == {**dict.fromkeys(DAYS, "SUCCEEDED"), DAYS[2]: "FAILED"}


@pytest.mark.parametrize("later", [DAYS[3:], [DAYS[0], DAYS[1]]], ids=["alone", "together"])
def test_a_good_day_leaves_the_failed_one_before_it_failed(
    run: Run, blurred: set[str], states: States, later: list[str]
) -> None:
    blurred.add(DAYS[2])
    run(*DAYS[2:])
    assert run(*later).success
    assert states()[DAYS[2]] == "FAILED"


def test_a_failed_day_that_was_repaired_is_well_again(run: Run, blurred: set[str], states: States) -> None:
    blurred.add(DAYS[2])
    run(*DAYS)
    blurred.clear()
    run(DAYS[2])
    assert states() == dict.fromkeys(DAYS, "SUCCEEDED")


def test_a_day_that_is_made_again_without_its_check_has_no_result(
    run: Run, states: States, instance: dg.DagsterInstance
) -> None:
    run(*DAYS)
    instance.report_runless_asset_event(dg.AssetMaterialization(PHOTOS, partition=DAYS[1]))
    assert DAYS[1] not in states()


def test_a_plain_result_of_several_days_is_no_days_result(instance: dg.DagsterInstance, states: States) -> None:
    """Why a check of ours records its days itself."""
    declared = DayCheck(PARTITIONS, "photos", "sharp", "Every photo is sharp.", is_blocking=True)
    plain = declared.define(lambda context: dg.AssetCheckResult(passed=True))
    definitions = dg.Definitions(assets=[photos], asset_checks=[plain], executor=dg.in_process_executor)
    assert execute(instance, definitions, dg.AssetSelection.assets(PHOTOS), *DAYS).success
    assert states() == dict.fromkeys(DAYS, "SKIPPED")


def test_partitions_of_checks_are_a_preview() -> None:
    """When this fails, `DayCheck.define` need not silence the warning any more."""
    with pytest.warns(dg.PreviewWarning, match="partitions_def on an AssetCheckSpec"):
        dg.AssetCheckSpec("sharp", asset="photos", partitions_def=PARTITIONS)


def test_the_stock_condition_on_checks_is_content_with_one_day_that_passed(
    run: Run, blurred: set[str], instance: dg.DagsterInstance, sharp: dg.AssetChecksDefinition
) -> None:
    """Why the warehouse asks for failed days instead."""
    on_checks = dg.AutomationCondition.all_deps_blocking_checks_passed()

    @dg.asset(deps=[PHOTOS], automation_condition=on_checks)
    def stock() -> None:
        """Whatever follows the photos."""

    blurred.add(DAYS[2])
    run(*DAYS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        asked = dg.evaluate_automation_conditions(
            dg.Definitions(assets=[photos, stock], asset_checks=[sharp]), instance=instance
        )
    assert asked.get_num_requested(dg.AssetKey("stock")) == 1


def test_after_the_last_retry_the_words_of_the_cause_are_shown(instance: dg.DagsterInstance) -> None:
    @dg.asset
    def a() -> None:
        raise dg.RetryRequested(max_retries=0) from dg.Failure("the disk does not answer", allow_retries=False)

    result = dg.materialize([a], instance=instance, run_config=QUIET, raise_on_error=False)
    (failed,) = (event.step_failure_data for event in result.all_events if event.is_step_failure)
    assert "the disk does not answer" in failed.error_display_string


def test_a_failure_that_allows_no_retry_is_not_tried_again(instance: dg.DagsterInstance) -> None:
    tried = []

    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=2))
    def a() -> None:
        tried.append(1)
        raise dg.Failure("a person is needed", allow_retries=False)

    dg.materialize([a], instance=instance, run_config=QUIET, raise_on_error=False)
    assert len(tried) == 1


def test_what_is_not_selected_of_skippable_assets_is_skipped(instance: dg.DagsterInstance) -> None:
    @dg.multi_asset(specs=[dg.AssetSpec(name, skippable=True) for name in ("a", "b")], can_subset=True)
    def both(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        yield from (dg.MaterializeResult(asset_key=key) for key in context.selected_asset_keys)

    result = dg.materialize([both], selection=["b"], instance=instance, run_config=QUIET)
    assert [made.asset_key for made in result.asset_materializations_for_node("both")] == [dg.AssetKey("b")]


def test_the_days_end_with_today() -> None:
    assert PARTITIONS.get_last_partition_key() == datetime.now(UTC).date().isoformat()


def test_a_day_that_depends_on_the_same_day_names_no_other() -> None:
    """So a backfill of some days asks for no others."""
    graph = dg.Definitions(assets=[photos, book]).resolve_asset_graph()
    assert graph.get_partition_mapping(BOOK, PHOTOS) == dg.TimeWindowPartitionMapping()
