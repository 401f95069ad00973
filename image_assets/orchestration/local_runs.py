"""Running days through Dagster in this process, on the instance that `dagster dev` shows."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import dagster as dg

from image_assets.errors import ConfigurationError
from image_assets.orchestration.automation import DAILY_JOB, WAREHOUSE_JOB
from image_assets.orchestration.partitions import BACKFILL_POLICY

_CONFIG_FILE = "dagster.yaml"
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True, slots=True)
class RunReport:
    """What became of one run; `problems` holds failed steps and failed checks in words."""

    run_id: str
    days: tuple[date, ...]
    is_success: bool
    problems: tuple[str, ...]


@contextmanager
def open_instance() -> Iterator[dg.DagsterInstance]:
    """The instance of DAGSTER_HOME, else of the `dagster.yaml` in the current folder.

    Raises:
        ConfigurationError: there is neither.
    """
    if os.environ.get("DAGSTER_HOME"):
        instance = dg.DagsterInstance.get()
    elif Path(_CONFIG_FILE).is_file():
        instance = dg.DagsterInstance.from_config(str(Path.cwd()))
    else:
        raise ConfigurationError(f"no {_CONFIG_FILE} in {Path.cwd()}: run from the repository or set DAGSTER_HOME")
    with instance:
        yield instance


def run_days(definitions: dg.Definitions, instance: dg.DagsterInstance, first: date, last: date) -> Iterator[RunReport]:
    """One run per seven days from `first` to `last` inclusive, in order; the warehouse follows the last one."""
    size = BACKFILL_POLICY.max_partitions_per_run or 1
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    job = definitions.resolve_job_def(DAILY_JOB)
    for start in range(0, len(days), size):
        chunk = days[start : start + size]
        tags = {
            "dagster/asset_partition_range_start": chunk[0].isoformat(),
            "dagster/asset_partition_range_end": chunk[-1].isoformat(),
        }
        result = job.execute_in_process(instance=instance, tags=tags, run_config=_QUIET, raise_on_error=False)
        yield _report(result, chunk)
    result = definitions.resolve_job_def(WAREHOUSE_JOB).execute_in_process(
        instance=instance, run_config=_QUIET, raise_on_error=False
    )
    yield _report(result, [])


def _report(result: dg.ExecuteInProcessResult, days: Sequence[date]) -> RunReport:
    problems = [_words(event) for event in result.all_events if event.is_step_failure]
    failed = [check for check in result.get_asset_check_evaluations() if not check.passed]
    problems += [f"check {check.check_name} of {check.asset_key.to_user_string()} failed" for check in failed]
    return RunReport(result.run_id, tuple(days), result.success and not failed, tuple(problems))


def _words(event: dg.DagsterEvent) -> str:
    """The description of an explained failure; the whole trace of a bug."""
    failure = event.step_failure_data
    told = failure.user_failure_data
    return f"{event.step_key}: {told.description if told else failure.error_display_string}"
