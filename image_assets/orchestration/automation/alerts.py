"""Who hears of a run that failed: the web hook of a chat or of an on-call service."""

import json
import urllib.request

import dagster as dg

from image_assets.orchestration.runs.bad_days import will_retry
from image_assets.orchestration.runs.history import days_of_run

_TIMEOUT_S = 10.0
_LONGEST_TEXT = 2_000


def alert_sensor(webhook: str) -> dg.SensorDefinition:
    """Tells the web hook of every failed run that nobody starts again; a failed blocking check fails its run too."""

    description = "Posts every failed run to the web hook, unless Dagster starts it again: what failed and why."
    running = dg.DefaultSensorStatus.RUNNING

    @dg.run_failure_sensor(name="alerts", default_status=running, description=description)
    def alerts(context: dg.RunFailureSensorContext) -> None:
        if not will_retry(context.dagster_run):
            post_alert(webhook, describe_failure(context))

    return alerts


def describe_failure(context: dg.RunFailureSensorContext) -> dict[str, object]:
    """What a person needs to start: job, days, what each failed step says, and the run to open."""
    run = context.dagster_run
    days = [day.isoformat() for day in days_of_run(run.tags)]
    period = f" for {days[0]} to {days[-1]}" if days else ""
    said = [f"{event.step_key}: {_words(event)}" for event in context.get_step_failure_events()]
    text = "\n".join([f"{run.job_name}{period} failed", *(said or [context.failure_event.message or ""])])
    return {"text": text[:_LONGEST_TEXT], "run_id": run.run_id, "job": run.job_name, "days": days}


def post_alert(webhook: str, alert: dict[str, object]) -> None:
    """Send an alert; a hook that does not take it fails the tick of the sensor, which the UI shows."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(webhook, json.dumps(alert).encode(), headers)  # noqa: S310 - settings allow http(s)
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S):  # noqa: S310 - as above
        pass


def _words(event: dg.DagsterEvent) -> str:
    failure = event.step_failure_data
    told = failure.user_failure_data
    return (told.description if told else None) or (failure.error.message if failure.error else "") or "no words"
