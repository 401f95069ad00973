"""When things run by the clock, and the follower of automation."""

from datetime import UTC, timedelta

import dagster as dg

from image_assets.orchestration.jobs import DAILY_JOB, HOUSEKEEPING_JOB, HOUSEKEEPING_JOB_DESCRIPTION, MORNING_JOB


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


def follower(assets: dg.AssetSelection) -> dg.AutomationConditionSensorDefinition:
    """Evaluates automation conditions; declared, because the default one is stopped."""
    running = dg.DefaultSensorStatus.RUNNING
    return dg.AutomationConditionSensorDefinition(
        "automation",
        target=assets,
        default_status=running,
        description="Rebuilds warehouse and vector index when their inputs have changed and the checks passed.",
    )
