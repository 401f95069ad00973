"""What a run says on standard error when programs collect it: a JSON object per line, with the run's id."""

import logging
from collections.abc import Mapping
from typing import Any

import dagster as dg

from image_assets.log_lines import FIELDS, JsonLines

CONSOLE = "console"


class _RunLines(JsonLines):
    """Dagster's records, which carry what they are about beside a message that repeats it."""

    def format(self, record: logging.LogRecord) -> str:
        about: Mapping[str, Any] = getattr(record, "dagster_meta", {})
        named = {"run_id": "run_id", "job_name": "job", "step_key": "step"}
        told = logging.makeLogRecord(record.__dict__ | {"args": ()})
        told.msg = about.get("orig_message") or record.getMessage()
        setattr(told, FIELDS, {name: about[key] for key, name in named.items() if about.get(key)})
        return super().format(told)


@dg.logger(
    config_schema={"log_level": dg.Field(str, is_required=False, default_value="INFO")},
    description="A JSON object per line on standard error.",
)
def json_console(context: dg.InitLoggerContext) -> logging.Logger:
    """Dagster's console, in JSON."""
    logger = logging.getLoggerClass()("dagster", context.logger_config["log_level"])
    handler = logging.StreamHandler()
    handler.setFormatter(_RunLines())
    logger.addHandler(handler)
    return logger


def console_config(level: str) -> dict[str, Any]:
    """The part of a run's configuration that says from which level on the console speaks."""
    return {"loggers": {CONSOLE: {"config": {"log_level": level}}}}
