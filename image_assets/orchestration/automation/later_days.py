"""What follows when an earlier day changed: later days are compared with it again."""

import json
from collections.abc import Mapping, Sequence
from datetime import date

import dagster as dg

from image_assets.configuration import configured
from image_assets.orchestration.jobs import DAILY_JOB
from image_assets.orchestration.keys import DAILY_REPORT
from image_assets.orchestration.partitions import DAYS_PER_RUN, day_tags, days_by_run, days_of
from image_assets.orchestration.resources import EncoderResource, LakeResource
from image_assets.orchestration.runs.at_work import end_abandoned_runs
from image_assets.orchestration.runs.history import days_under_way
from image_assets.settings import Settings
from image_assets.steps.questions.later_days import outdated_days
from image_assets.tables.duplicates import DUPLICATE_IMAGES
from image_assets.tables.gold import DAILY_SUMMARY, GOLD_IMAGES

FOLLOWING = (DUPLICATE_IMAGES.name, GOLD_IMAGES.name, DAILY_SUMMARY.name, DAILY_REPORT)
"""What an image of an earlier day may change; no picture is decoded and no model is asked."""


def later_days_sensor(partitions: dg.DailyPartitionsDefinition, settings: Settings) -> dg.SensorDefinition:
    """Asks once for each day whose duplicates are out of date, the earliest first, some days at a time.

    A day waits while a run of it or of an earlier day is under way, its own included: what that changes is compared
    once. So one late file of a year ago costs one short run after another, and a day that fails is not asked for again.
    """
    running = dg.DefaultSensorStatus.RUNNING

    description = "Watches for days whose duplicates were found among other earlier days than there are now."

    @dg.sensor(
        name="later_days",
        job_name=DAILY_JOB,
        minimum_interval_seconds=60,
        default_status=running,
        description=description,
    )
    def sensor(context: dg.SensorEvaluationContext, lake: LakeResource, gpu: EncoderResource) -> dg.SensorResult:
        tables = lake.tables
        outdated = outdated_days(tables, gpu.description, configured(settings, tables.store).duplicate_params)
        asked = {day: version for day, version in _asked(context).items() if day in outdated}
        known, busy = set(days_of(partitions.get_partition_keys())), _first_under_way(context.instance)
        wanted = [day for day, version in outdated.items() if day in known and asked.get(day) != version]
        now = [day for day in wanted if day < busy][:DAYS_PER_RUN]
        asked |= {day: outdated[day] for day in now}
        return dg.SensorResult(
            run_requests=[_request(days) for days in days_by_run(now)],
            skip_reason=None if now else _why_none(wanted, outdated),
            cursor=json.dumps({day.isoformat(): version for day, version in asked.items()}),
        )

    return sensor


def _asked(context: dg.SensorEvaluationContext) -> Mapping[date, str]:
    return {date.fromisoformat(day): version for day, version in json.loads(context.cursor or "{}").items()}


def _first_under_way(instance: dg.DagsterInstance) -> date:
    end_abandoned_runs(instance)
    return min(days_under_way(instance), default=date.max)


def _request(days: Sequence[date]) -> dg.RunRequest:
    # No run key: it would refuse for good a state that comes a second time. The cursor knows what was asked for.
    return dg.RunRequest(tags=day_tags(days), asset_selection=[dg.AssetKey(name) for name in FOLLOWING])


def _why_none(wanted: Sequence[date], outdated: Mapping[date, str]) -> str:
    if wanted:
        return f"{len(wanted)} days from {wanted[0]} on wait for runs of theirs or of earlier days"
    if outdated:
        return f"{len(outdated)} days from {min(outdated)} on were asked for and are out of date: see their runs"
    return "every day is compared with all days before it"
