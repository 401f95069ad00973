"""Checks whose results Dagster keeps by day, so that a good day does not hide one before it that failed."""

import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

import dagster as dg

# Private: without it the result of a day counts as older than the day.
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

from image_assets.orchestration.metadata.counts import Metadata, describe_problems
from image_assets.orchestration.runs.bad_days import name_bad_days
from image_assets.steps.audits.day_audits import Audit

_PAGE = 100


@dataclass(frozen=True, slots=True)
class DayCheck:
    """What is declared of a check of a daily asset.

    Attributes:
        partitions: the days.
        asset: whose rows are looked at.
        name: of the check.
        description: what must be true, and what to do if it is not.
        is_blocking: whether it stops what follows in the run.
        severity: of a failure.
        measure: names what its audit measures.
    """

    partitions: dg.DailyPartitionsDefinition
    asset: str
    name: str
    description: str
    is_blocking: bool
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR
    measure: str = "measured"

    def define(self, function: Callable[..., Any]) -> dg.AssetChecksDefinition:
        """The check that a function makes, which yields `results`."""
        with warnings.catch_warnings():
            # Partitions of checks are a preview of Dagster's; test_dagster_beliefs says what we rely on.
            warnings.simplefilter("ignore", dg.PreviewWarning)
            decorate = dg.asset_check(
                asset=self.asset,
                name=self.name,
                description=self.description,
                blocking=self.is_blocking,
                partitions_def=self.partitions,
            )
            return decorate(function)

    def results(self, context: dg.AssetCheckExecutionContext, found: Mapping[date, Audit]) -> Iterator[object]:
        """What is recorded of the audits: a result per day, and one of all days when the run has none."""
        # A plain result would ask for the day of the run, and a check that is run by itself has none.
        yield dg.Output(None)
        if not has_days(context):
            yield self._evaluation(found, None, None)
        made = _newest(_Asked(context.run.run_id, self.asset, tuple(found), context.instance))
        for day, audit in found.items():
            yield self._evaluation({day: audit}, day.isoformat(), made.get(day.isoformat()))

    def _evaluation(
        self,
        found: Mapping[date, Audit],
        partition: str | None,
        about: AssetCheckEvaluationTargetMaterializationData | None,
    ) -> dg.AssetCheckEvaluation:
        return dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(self.asset),
            check_name=self.name,
            passed=_passed(found),
            metadata=self._described(found),
            target_materialization_data=about,
            severity=self.severity,
            blocking=self.is_blocking,
            partition=partition,
        )

    def _described(self, found: Mapping[date, Audit]) -> Metadata:
        problems = [f"{day}: {problem}" for day, each in found.items() for problem in each.problems]
        measured = [audit.measured for audit in found.values() if audit.measured is not None]
        return {
            **({self.measure: dg.MetadataValue.float(round(measured[-1], 4))} if measured else {}),
            "days": dg.MetadataValue.int(len(found)),
            "examined": dg.MetadataValue.int(sum(audit.examined for audit in found.values())),
            "problems": dg.MetadataValue.int(len(problems)),
            "what": describe_problems(problems),
            **(name_bad_days(day for day, each in found.items() if each.problems) if problems else {}),
        }


def has_days(context: dg.AssetCheckExecutionContext) -> bool:
    """Whether the run was started for days; a check that is run by itself has none."""
    return bool(context.has_partition_key or context.has_partition_key_range)


def _passed(found: Mapping[date, Audit]) -> bool:
    return not any(each.problems for each in found.values())


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which materializations a run's checks are about: those of an asset look at the same ones."""

    run_id: str
    asset: str
    days: tuple[date, ...]
    instance: dg.DagsterInstance = field(compare=False)


@lru_cache(maxsize=32)
def _newest(asked: _Asked) -> Mapping[str, AssetCheckEvaluationTargetMaterializationData]:
    """The materialization that each day's result is about; a later one makes it a result of the past."""
    made = _made_by_the_run(asked)
    return {**made, **_made_before(asked, {day.isoformat() for day in asked.days} - made.keys())}


def _made_by_the_run(asked: _Asked) -> Mapping[str, AssetCheckEvaluationTargetMaterializationData]:
    """What the materializations show, which may be pictures, is not read."""
    records = asked.instance.event_log_storage.get_asset_event_summary_records(
        dg.DagsterEventType.ASSET_MATERIALIZATION, dg.AssetKey(asked.asset), run_id=asked.run_id, ascending=True
    )
    return {str(each.partition): _about(each.storage_id, asked.run_id, each.timestamp) for each in records}


def _made_before(asked: _Asked, days: Collection[str]) -> Mapping[str, AssetCheckEvaluationTargetMaterializationData]:
    wanted = dg.AssetRecordsFilter(dg.AssetKey(asked.asset), asset_partitions=sorted(days))
    found: dict[str, AssetCheckEvaluationTargetMaterializationData] = {}
    cursor = None
    while len(found) < len(days):
        page = asked.instance.fetch_materializations(wanted, limit=_PAGE, cursor=cursor)
        for record in page.records:
            found.setdefault(str(record.partition_key), _about(record.storage_id, record.run_id, record.timestamp))
        if not page.has_more:
            break
        cursor = page.cursor
    return found


def _about(storage_id: int, run_id: str, timestamp: float) -> AssetCheckEvaluationTargetMaterializationData:
    return AssetCheckEvaluationTargetMaterializationData(storage_id=storage_id, run_id=run_id, timestamp=timestamp)
