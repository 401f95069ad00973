"""When things run: the nightly schedule, the sensor on the landing zone, the follower of automation."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, date, timedelta

import dagster as dg

from image_assets.lake.object_store import ObjectStore
from image_assets.orchestration.assets.landing import LANDING
from image_assets.orchestration.partitions import days_of
from image_assets.orchestration.resources import LakeResource
from image_assets.steps.landing import list_landing

DAILY_JOB = "daily_images"
DAILY_JOB_DESCRIPTION = "From landing to gold for the chosen days; only what is missing or out of date is computed."
WAREHOUSE_JOB = "warehouse_refresh"
DAY_TAG = "image_assets/day"
_SENSOR_INTERVAL_S = 60


def nightly_schedule() -> dg.ScheduleDefinition:
    """Yesterday, at 02:00 UTC, when stragglers have arrived."""

    @dg.schedule(job_name=DAILY_JOB, cron_schedule="0 2 * * *", execution_timezone="UTC", name="nightly")
    def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        """Yesterday's uploads, from landing to gold."""
        day = (context.scheduled_execution_time.astimezone(UTC) - timedelta(days=1)).date()
        return _run_request(day, run_key=day.isoformat())

    return nightly


def landing_sensor(partitions: dg.DailyPartitionsDefinition, lookback_days: int) -> dg.SensorDefinition:
    """Runs a day whenever its uploads differ from those of the last look, new days and late files alike."""

    @dg.sensor(job_name=DAILY_JOB, name="landing_sensor", minimum_interval_seconds=_SENSOR_INTERVAL_S)
    def sensor(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.SensorResult:
        """Watches the landing zone for new and late files; each change of a day asks for one run of it."""
        seen: dict[str, str] = json.loads(context.cursor or "{}")
        days = days_of(partitions.get_partition_keys())[-lookback_days:]
        now = dict(_fingerprints(lake.tables.store, days))
        changed = [day for day, fingerprint in now.items() if seen.get(day) != fingerprint]
        return dg.SensorResult(
            run_requests=[_run_request(date.fromisoformat(day), run_key=f"{day}:{now[day]}") for day in changed],
            asset_events=[dg.AssetObservation(LANDING, partition=day) for day in changed],
            cursor=json.dumps(now),
        )

    return sensor


def follower(assets: dg.AssetSelection) -> dg.AutomationConditionSensorDefinition:
    """Evaluates automation conditions; declared, because the default one is stopped."""
    running = dg.DefaultSensorStatus.RUNNING
    return dg.AutomationConditionSensorDefinition("automation", target=assets, default_status=running)


def _run_request(day: date, run_key: str) -> dg.RunRequest:
    return dg.RunRequest(run_key=run_key, partition_key=day.isoformat(), tags={DAY_TAG: day.isoformat()})


def _fingerprints(store: ObjectStore, days: list[date]) -> Iterator[tuple[str, str]]:
    for day in days:
        versions = [(file.source_uri, file.version) for file in list_landing(store, day).files]
        if versions:
            yield day.isoformat(), hashlib.sha256(repr(versions).encode()).hexdigest()[:16]
