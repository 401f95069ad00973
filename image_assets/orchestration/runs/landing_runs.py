"""Which days have a run that reads the landing zone: what works may have passed new files, what waits will see them."""

import dagster as dg

from image_assets.orchestration.jobs import DAILY_JOB
from image_assets.orchestration.runs.history import days_of_run
from image_assets.tables.images import BRONZE_IMAGES

_WAITING = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED]
_AT_WORK = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


def days_at_work(instance: dg.DagsterInstance) -> set[str]:
    """Days of runs that have started."""
    runs = instance.get_runs(dg.RunsFilter(statuses=_AT_WORK))
    return {day.isoformat() for run in runs for day in days_of_run(run.tags)}


def days_waiting(instance: dg.DagsterInstance) -> set[str]:
    """Days of runs that will read the landing zone."""
    runs = instance.get_runs(dg.RunsFilter(statuses=_WAITING))
    return {day.isoformat() for run in runs if _reads_landing(run) for day in days_of_run(run.tags)}


def _reads_landing(run: dg.DagsterRun) -> bool:
    if run.asset_selection is None:
        return run.job_name == DAILY_JOB
    return dg.AssetKey(BRONZE_IMAGES.name) in run.asset_selection
