"""What Dagster remembers of former runs: which days failed, and which run recorded what."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, timedelta

import dagster as dg

INVOCATION_TAG = "image_assets/invocation"
"""On the runs of one command line."""

_PAGE = 500
_BAD = {dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}
_FINISHED = dg.RunsFilter(statuses=[*_BAD, dg.DagsterRunStatus.SUCCESS])
UNFINISHED = [status for status in dg.DagsterRunStatus if status not in _FINISHED.statuses]
"""Of runs that are over only when somebody records it."""


def failed_days(instance: dg.DagsterInstance, days: Collection[date]) -> set[date]:
    """Those of the days whose last finished run failed or was cancelled."""
    undecided, failed = set(days), set[date]()
    for run in _finished_runs(instance):
        if not undecided:
            break
        decided = undecided.intersection(days_of_run(run.tags))
        undecided -= decided
        failed |= decided if run.status in _BAD else set()
    return failed


def days_of_run(tags: Mapping[str, str]) -> list[date]:
    """The days that a run of daily assets was started for; none for any other run."""
    first = tags.get("dagster/asset_partition_range_start") or tags.get("dagster/partition")
    last = tags.get("dagster/asset_partition_range_end") or first
    if first is None or last is None:
        return []
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [start + timedelta(days=offset) for offset in range((end - start).days + 1)]


def days_under_way(instance: dg.DagsterInstance) -> set[date]:
    """Days of runs that have not finished."""
    unfinished = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
    return {day for run in unfinished for day in days_of_run(run.tags)}


def runs_of(instance: dg.DagsterInstance, day: date, made_at: Mapping[str, datetime]) -> dict[str, str]:
    """Which run recorded a row that was computed at an instant, by asset."""
    runs = {}
    for asset, at in made_at.items():
        recorded_since = dg.AssetRecordsFilter(
            asset_key=dg.AssetKey(asset), asset_partitions=[day.isoformat()], after_timestamp=at.timestamp()
        )
        for record in instance.fetch_materializations(recorded_since, limit=1, ascending=True).records:
            runs[asset] = record.run_id
    return runs


def _finished_runs(instance: dg.DagsterInstance) -> Iterator[dg.DagsterRun]:
    """The newest first."""
    cursor = None
    while page := instance.get_runs(_FINISHED, cursor=cursor, limit=_PAGE):
        yield from page
        cursor = page[-1].run_id


def forget_old_runs(instance: dg.DagsterInstance, before: datetime) -> tuple[int, int]:
    """Delete finished runs of before with their events; say how many went and how many had to stay.

    A run that holds the last materialization of any day stays: without it the day would count as missing.
    """
    old = instance.get_run_records(dg.RunsFilter(statuses=_FINISHED.statuses, created_before=before))
    last = _last_runs(instance)
    stay = [record for record in old if record.dagster_run.run_id in last]
    for record in old:
        if record.dagster_run.run_id not in last:
            instance.delete_run(record.dagster_run.run_id)
    return len(old) - len(stay), len(stay)


def _last_runs(instance: dg.DagsterInstance) -> set[str]:
    """Runs that made the last materialization of an asset, or of a day of one."""
    runs: set[str] = set()
    for asset in instance.get_asset_keys():
        decided: set[str | None] = set()
        cursor = None
        while True:
            page = instance.fetch_materializations(asset, limit=_PAGE, cursor=cursor)
            for record in page.records:
                if record.partition_key not in decided:
                    decided.add(record.partition_key)
                    runs.add(record.run_id)
            if not page.has_more:
                break
            cursor = page.cursor
    return runs
