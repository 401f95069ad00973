"""Which days made a run of several fail, and how they are asked for again."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date

import dagster as dg

from image_assets.orchestration.partitions import days_by_run

_BAD_DAYS = "bad_days"
_WILL_RETRY = "dagster/will_retry"


def will_retry(run: dg.DagsterRun) -> bool:
    """Whether Dagster itself starts the failed run again, as it does after a crash as often as `run_retries` says."""
    return run.tags.get(_WILL_RETRY) == "true"


def name_bad_days(days: Iterable[date | str]) -> Mapping[str, dg.MetadataValue]:
    """Metadata of a failure or of a failed check: the days that it concerns."""
    return {_BAD_DAYS: dg.MetadataValue.text(" ".join(str(day) for day in days))}


def bad_days(events: Iterable[dg.DagsterEvent]) -> set[date]:
    """Days that the events of a failed run name; none when a step failed that does not say for which day."""
    bad: set[date] = set()
    for event in events:
        if is_step_failure(event):
            told = event.step_failure_data.user_failure_data
            named = _named(told.metadata if told else {})
            if not named:
                return set()
            bad |= named
        elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION and is_failed(
            event.asset_check_evaluation_data
        ):
            bad |= _named(event.asset_check_evaluation_data.metadata)
    return bad


def is_step_failure(event: dg.DagsterEvent) -> bool:
    """Whether a step failed for another reason than a check: of that the check's own event tells more."""
    if not event.is_step_failure:
        return False
    error = event.step_failure_data.error
    return error is None or error.cls_name != "DagsterAssetCheckFailedError"


def is_failed(check: dg.AssetCheckEvaluation) -> bool:
    """Whether it is more than a warning."""
    return not check.passed and check.severity == dg.AssetCheckSeverity.ERROR


def split(days: Sequence[date], bad: AbstractSet[date]) -> list[list[date]]:
    """Runs to ask for after one of several days failed, the good ones first; each alone where no bad one is known."""
    if not bad & set(days):
        return [[day] for day in days]
    good = [day for day in days if day not in bad]
    return [*days_by_run(good), *([day] for day in days if day in bad)]


def _named(metadata: Mapping[str, dg.MetadataValue]) -> set[date]:
    found = metadata.get(_BAD_DAYS)
    return {date.fromisoformat(day) for day in str(found.value).split()} if found else set()
