"""What follows a failed run of several days: its good days together, each bad one alone."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from image_assets.orchestration.partitions import day_tags
from image_assets.orchestration.runs.bad_days import bad_days, split, will_retry
from image_assets.orchestration.runs.history import INVOCATION_TAG, days_of_run

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

_TELLING = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.ASSET_CHECK_EVALUATION}


def split_failed_runs(daily_job: "UnresolvedAssetJobDefinition") -> dg.SensorDefinition:
    """Asks for the days of a failed run of several again, the bad ones alone, so that they do not hold the others."""
    description = (
        "After a failed run of several days, runs its good days again together and each bad one alone; the command "
        "line's runs do so themselves."
    )
    running = dg.DefaultSensorStatus.RUNNING

    @dg.run_failure_sensor(
        name="split_failed_runs", request_job=daily_job, default_status=running, description=description
    )
    def sensor(context: dg.RunFailureSensorContext) -> Iterator[dg.RunRequest]:
        run = context.dagster_run
        days = days_of_run(run.tags)
        if len(days) == 1 or INVOCATION_TAG in run.tags or will_retry(run):
            return
        logs = context.instance.all_logs(run.run_id, of_type=_TELLING)
        bad = bad_days(entry.dagster_event for entry in logs if entry.dagster_event)
        assets = list(run.asset_selection) if run.asset_selection else None
        for part in split(days, bad):
            key = f"{run.run_id}:{part[0]}"
            yield dg.RunRequest(run_key=key, tags=day_tags(part), asset_selection=assets)

    return sensor
