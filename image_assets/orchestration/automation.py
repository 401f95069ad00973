"""When things run: the nightly schedule, the sensor on the landing zone, the follower of automation."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, date, timedelta

import dagster as dg

from image_assets.lake.object_store import ObjectStore
from image_assets.orchestration.assets.landing import LANDING
from image_assets.orchestration.history import INVOCATION_TAG, days_of_run
from image_assets.orchestration.partitions import days_of
from image_assets.orchestration.resources import LakeResource
from image_assets.steps.landing import list_landing
from image_assets.tables.images import BRONZE_IMAGES

DAILY_JOB = "daily_images"
DAILY_JOB_DESCRIPTION = "From landing to gold for the chosen days; only what is missing or out of date is computed."
WAREHOUSE_JOB = "warehouse_refresh"
WAREHOUSE_JOB_DESCRIPTION = "Warehouse and vector index over all days; unchanged inputs are left alone."
MORNING_JOB = "morning_checks"
MORNING_JOB_DESCRIPTION = "Is yesterday complete, and was no day left failed?"
HOUSEKEEPING_JOB = "housekeeping"
HOUSEKEEPING_JOB_DESCRIPTION = (
    "Files against rows, a share of them read whole, leftovers of killed runs, old runs in Dagster's memory."
)
_SENSOR_INTERVAL_S = 60
_WAITING = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED]
_AT_WORK = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


def nightly_schedule() -> dg.ScheduleDefinition:
    """Yesterday, at 02:00 UTC, when stragglers have arrived."""

    description = "Yesterday's uploads, from landing to gold."

    @dg.schedule(
        name="nightly",
        job_name=DAILY_JOB,
        cron_schedule="0 2 * * *",
        execution_timezone="UTC",
        description=description,
    )
    def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        day = (context.scheduled_execution_time.astimezone(UTC) - timedelta(days=1)).date()
        return dg.RunRequest(run_key=day.isoformat(), partition_key=day.isoformat())

    return nightly


def morning_schedule() -> dg.ScheduleDefinition:
    """At 03:00 UTC yesterday should be there."""
    return dg.ScheduleDefinition(
        name="morning",
        job_name=MORNING_JOB,
        cron_schedule="0 3 * * *",
        execution_timezone="UTC",
        description="Is yesterday there, and was no day left failed? If not, the run fails and somebody hears of it.",
    )


def weekly_schedule() -> dg.ScheduleDefinition:
    """Sunday at 04:00 UTC, after the night's work."""
    cron = "0 4 * * 0"
    return dg.ScheduleDefinition(
        name="weekly",
        job_name=HOUSEKEEPING_JOB,
        cron_schedule=cron,
        execution_timezone="UTC",
        description=f"Housekeeping. {HOUSEKEEPING_JOB_DESCRIPTION}",
    )


def landing_sensor(partitions: dg.DailyPartitionsDefinition, lookback_days: int) -> dg.SensorDefinition:
    """Runs a day whenever its uploads differ from those of the last look, new days and late files alike.

    A run of the day that waits, be it of many days, will see the files when it starts: a burst of uploads asks for one
    run. One that works may have passed them: they are looked at again when it has ended.
    """

    description = "Watches the landing zone for new and late files; each change of a day asks for one run of it."

    @dg.sensor(
        name="landing_sensor",
        job_name=DAILY_JOB,
        minimum_interval_seconds=_SENSOR_INTERVAL_S,
        description=description,
    )
    def sensor(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.SensorResult:
        seen: dict[str, str] = json.loads(context.cursor or "{}")
        days = days_of(partitions.get_partition_keys())[-lookback_days:]
        now = dict(_fingerprints(lake.tables.store, days))
        changed = [day for day, fingerprint in now.items() if seen.get(day) != fingerprint]
        held = _days_at_work(context.instance).intersection(changed)
        news = [day for day in changed if day not in held]
        waiting = _days_waiting(context.instance) if news else set()
        now = {day: fingerprint for day, fingerprint in now.items() if day not in held}
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(run_key=f"{day}:{now[day]}", partition_key=day) for day in news if day not in waiting
            ],
            asset_events=[_observation(lake.tables.store, day) for day in news],
            cursor=json.dumps(now | {day: seen[day] for day in held & seen.keys()}),
        )

    return sensor


def follower(assets: dg.AssetSelection) -> dg.AutomationConditionSensorDefinition:
    """Evaluates automation conditions; declared, because the default one is stopped."""
    running = dg.DefaultSensorStatus.RUNNING
    return dg.AutomationConditionSensorDefinition(
        "automation",
        target=assets,
        default_status=running,
        description="Rebuilds warehouse and vector index when their inputs have changed and the checks passed.",
    )


def _observation(store: ObjectStore, day: str) -> dg.AssetObservation:
    files = list_landing(store, date.fromisoformat(day)).files
    size_bytes = sum(file.size_bytes for file in files)
    return dg.AssetObservation(LANDING, partition=day, metadata={"uploads": len(files), "total_size_bytes": size_bytes})


def _days_at_work(instance: dg.DagsterInstance) -> set[str]:
    """Days of runs that have started; a command line is left out, because nobody ends its runs when it is killed."""
    runs = instance.get_runs(dg.RunsFilter(statuses=_AT_WORK))
    return {day.isoformat() for run in runs if INVOCATION_TAG not in run.tags for day in days_of_run(run.tags)}


def _days_waiting(instance: dg.DagsterInstance) -> set[str]:
    """Days of runs that will read the landing zone."""
    runs = instance.get_runs(dg.RunsFilter(statuses=_WAITING))
    return {day.isoformat() for run in runs if _reads_landing(run) for day in days_of_run(run.tags)}


def _reads_landing(run: dg.DagsterRun) -> bool:
    if run.asset_selection is None:
        return run.job_name == DAILY_JOB
    return dg.AssetKey(BRONZE_IMAGES.name) in run.asset_selection


def _fingerprints(store: ObjectStore, days: list[date]) -> Iterator[tuple[str, str]]:
    for day in days:
        versions = [(file.source_uri, file.version) for file in list_landing(store, day).files]
        if versions:
            yield day.isoformat(), hashlib.sha256(repr(versions).encode()).hexdigest()[:16]
