"""What follows when people have decided: the days of what they have decided on are run."""

import json
from collections.abc import Mapping
from datetime import date

import dagster as dg

from image_assets.orchestration.jobs import DAILY_JOB
from image_assets.orchestration.partitions import DAYS_PER_RUN, day_tags, days_by_run, days_of
from image_assets.orchestration.resources import LakeResource
from image_assets.orchestration.runs.at_work import end_abandoned_runs
from image_assets.orchestration.runs.history import days_under_way
from image_assets.steps.questions.unseen import decided_days

_SENSOR_INTERVAL_S = 120


def decided_days_sensor(partitions: dg.DailyPartitionsDefinition) -> dg.SensorDefinition:
    """Asks for days with labels, acceptances, dismissals or retries that are younger than their tables.

    Whatever people decide within two minutes is one run, some days at a time; a day waits while a run of it is under
    way. A state is asked for once, however its run ends: a skip changes nothing, and a day that fails stays as it is.
    """
    description = "Watches for decisions, acceptances and retries that no run has seen; their days are run."

    @dg.sensor(
        name="decided_days",
        job_name=DAILY_JOB,
        minimum_interval_seconds=_SENSOR_INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=description,
    )
    def sensor(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.SensorResult:
        end_abandoned_runs(context.instance)
        decided = decided_days(lake.tables)
        asked = {day: state for day, state in _asked(context).items() if day in decided}
        known, busy = set(days_of(partitions.get_partition_keys())), days_under_way(context.instance)
        wanted = [day for day, state in decided.items() if day in known and asked.get(day) != state]
        now = [day for day in wanted if day not in busy][:DAYS_PER_RUN]
        asked |= {day: decided[day] for day in now}
        return dg.SensorResult(
            # No run key: the cursor knows what was asked for.
            run_requests=[dg.RunRequest(tags=day_tags(days)) for days in days_by_run(now)],
            skip_reason=None if now else _why_none(len(wanted), len(decided)),
            cursor=json.dumps({day.isoformat(): state for day, state in asked.items()}),
        )

    return sensor


def _asked(context: dg.SensorEvaluationContext) -> Mapping[date, str]:
    return {date.fromisoformat(day): state for day, state in json.loads(context.cursor or "{}").items()}


def _why_none(wanted: int, decided: int) -> str:
    if wanted:
        return f"{wanted} days wait for runs of theirs to end"
    if decided:
        return f"{decided} days were asked for, and what was decided there has changed nothing, or their runs failed"
    return "every decision is in gold"
