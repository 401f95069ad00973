"""What a run says on standard error when programs collect it: a JSON object per line, with the run's id.

Dagster tells of everything that happens, most of it at the level of debugging; what an operator counts or is woken by
is said at any level.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

import dagster as dg

from image_assets.log_lines import FIELDS, JsonLines

CONSOLE: Final = "console"
_TOLD: Final = {
    dg.DagsterEventType.RUN_START,
    dg.DagsterEventType.RUN_SUCCESS,
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.RUN_CANCELED,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.STEP_UP_FOR_RETRY,
    dg.DagsterEventType.ASSET_MATERIALIZATION,
}
_NAMES: Final = {"run_id": "run_id", "job_name": "job", "step_key": "step"}


class _RunLines(JsonLines):
    """Dagster's records, which carry what they are about beside a message that repeats it."""

    def format(self, record: logging.LogRecord) -> str:
        about: Mapping[str, Any] = getattr(record, "dagster_meta", {})
        told = logging.makeLogRecord(record.__dict__ | {"args": ()})
        if record.levelno < logging.INFO:
            told.levelno, told.levelname = logging.INFO, "INFO"
        told.msg = about.get("orig_message") or record.getMessage()
        fields = {name: about[key] for key, name in _NAMES.items() if about.get(key)}
        setattr(told, FIELDS, {**fields, **_described(_event(record))})
        return super().format(told)


def _is_told(record: logging.LogRecord) -> bool:
    event = _event(record)
    return record.levelno >= logging.INFO if event is None else event.event_type in _TOLD


def _event(record: logging.LogRecord) -> dg.DagsterEvent | None:
    event: dg.DagsterEvent | None = getattr(record, "dagster_meta", {}).get("dagster_event")
    return event


def _described(event: dg.DagsterEvent | None) -> Mapping[str, object]:
    """What happened; of what was made also its numbers, of a failure why."""
    if event is None:
        return {}
    described: dict[str, object] = {"event": event.event_type_value}
    if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION:
        made = event.step_materialization_data.materialization
        numbers = {name: each.value for name, each in made.metadata.items() if isinstance(each.value, int | float)}
        described |= {"asset": made.asset_key.to_user_string(), "day": made.partition, **numbers}
    if event.is_step_failure:
        failure = event.step_failure_data
        why = failure.user_failure_data.description if failure.user_failure_data else failure.error_display_string
        described["why"] = why
    return described


@dg.logger(
    config_schema={"log_level": dg.Field(str, is_required=False, default_value="DEBUG")},
    description="A JSON object per line on standard error.",
)
def json_console(context: dg.InitLoggerContext) -> logging.Logger:
    """Dagster's console, in JSON."""
    logger = logging.getLoggerClass()("dagster", context.logger_config["log_level"])
    handler = logging.StreamHandler()
    handler.setFormatter(_RunLines())
    handler.addFilter(_is_told)
    logger.addHandler(handler)
    return logger


def console_config(level: str) -> dict[str, Any]:
    """The part of a run's configuration that says from which level on the console speaks."""
    return {"loggers": {CONSOLE: {"config": {"log_level": level}}}}
