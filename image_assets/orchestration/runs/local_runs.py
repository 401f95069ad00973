"""Running days through Dagster in this process, on the instance that `dagster dev` shows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from threading import Thread
from types import MappingProxyType
from typing import TypeVar
from uuid import uuid4

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError

from image_assets import errors
from image_assets.errors import ConfigurationError
from image_assets.orchestration.chosen_lots import LOTS_TAG
from image_assets.orchestration.jobs import DAILY_JOB, WAREHOUSE_JOB
from image_assets.orchestration.partitions import day_tags, days_by_run
from image_assets.orchestration.runs.at_work import PROCESS_TAG, at_work, this_process
from image_assets.orchestration.runs.bad_days import bad_days, is_failed, is_step_failure, split
from image_assets.orchestration.runs.history import INVOCATION_TAG, UNFINISHED
from image_assets.orchestration.runs.json_console import CONSOLE, console_config, json_console
from image_assets.orchestration.runs.kept_open import kept_open
from image_assets.tables.chain import CHAIN

_LISTEN_S = 0.2
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunReport:
    """What became of one run; `problems` are failed steps and checks in words, `bad_days` whom they concern."""

    run_id: str
    days: tuple[date, ...]
    is_success: bool
    problems: tuple[str, ...]
    bad_days: frozenset[date]


def interruptible(
    instance: dg.DagsterInstance, work: Callable[[Mapping[str, str]], list[RunReport]]
) -> list[RunReport]:
    """Do work that runs jobs under the given tags; Ctrl-C is raised at once and the runs are recorded as cancelled.

    In the main thread Dagster would hold Ctrl-C back and take it for the failure of a step. The thread is left
    behind: the caller is expected to end the process, which a run survives like any other kill. Neither a second Ctrl-C
    nor a locked file waits for the record: whoever opens the instance next sees that the process is gone.
    """
    tags = {INVOCATION_TAG: uuid4().hex, PROCESS_TAG: this_process()}
    try:
        return _listening(lambda: work(tags))
    except KeyboardInterrupt:
        with suppress(SQLAlchemyError):
            _listening(lambda: _cancel(instance, tags))
        raise


def _listening(work: Callable[[], T]) -> T:
    """The work's result; it is done in another thread, so that this one hears Ctrl-C."""
    done = Future[T]()
    Thread(target=_fulfil, args=(done, work), daemon=True).start()
    # Polars has a wait go on after a signal: one without an end would hear Ctrl-C when the work is done.
    while not done.done():
        wait([done], timeout=_LISTEN_S)
    return done.result()


def _fulfil(done: Future[T], work: Callable[[], T]) -> None:
    try:
        done.set_result(work())
    except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
        done.set_exception(error)


def _cancel(instance: dg.DagsterInstance, tags: Mapping[str, str]) -> None:
    for run in instance.get_runs(dg.RunsFilter(tags=tags, statuses=UNFINISHED)):
        instance.report_run_canceled(run, message="interrupted")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def run_days(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    days: Sequence[date],
    tags: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[RunReport]:
    """Run the days in order, up to four weeks that follow each other in one run; the warehouse follows the last run.

    When a run of several days fails, the good ones run again together and each bad one alone: it does not hold them.

    Raises:
        ConfigurationError: a day is no partition.
    """
    job = definitions.resolve_job_def(DAILY_JOB)
    _check_days(job, days)
    for chunk in days_by_run(days):
        yield from _execute_days(job, instance, chunk, tags)
    yield run_job(definitions, instance, WAREHOUSE_JOB, tags)


def run_lots(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    day: date,
    lots: str,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> RunReport:
    """Compute what is computed image by image of some lots of a day; a run of the day itself does the rest.

    What concerns the day as a whole, its checks above all, waits for that run.

    Raises:
        ConfigurationError: the day is no partition.
    """
    job = definitions.resolve_job_def(DAILY_JOB)
    _check_days(job, [day])
    made = {dg.AssetKey(table.name) for table in CHAIN.tables_in_lots()}
    wanted = made.intersection(job.asset_layer.executable_asset_keys)
    part = job.get_subset(asset_selection=wanted, asset_check_selection=set())
    return _execute(part, instance, [day], {**tags, **day_tags([day]), LOTS_TAG: lots})


def run_job(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    name: str,
    tags: Mapping[str, str] = MappingProxyType({}),
    run_id: str | None = None,
) -> RunReport:
    """Run a job that has no days; who gives its id can listen to it."""
    return _execute(definitions.resolve_job_def(name), instance, [], tags, run_id)


def _check_days(job: dg.JobDefinition, days: Sequence[date]) -> None:
    partitions = job.partitions_def
    known = partitions.get_partition_keys() if partitions else []
    for day in (min(days).isoformat(), max(days).isoformat()):
        if not known or not known[0] <= day <= known[-1]:
            there = f"{known[0]} to {known[-1]}" if known else "none yet"
            raise ConfigurationError(f"{day} is no partition: there are {there}; IMAGE_ASSETS_START_DAY sets the first")


def _execute_days(
    job: dg.JobDefinition, instance: dg.DagsterInstance, days: Sequence[date], tags: Mapping[str, str]
) -> Iterator[RunReport]:
    report = _execute(job, instance, days, {**tags, **day_tags(days)})
    if report.is_success or len(days) == 1:
        yield report
        return
    for part in split(days, report.bad_days):
        yield from _execute_days(job, instance, part, tags)


def _execute(
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    days: Sequence[date],
    tags: Mapping[str, str],
    run_id: str | None = None,
) -> RunReport:
    run_id = run_id or str(uuid4())
    # Where nobody collects JSON, a person reads bars and a summary.
    config = console_config("DEBUG" if job.loggers.get(CONSOLE) is json_console else "CRITICAL")
    with at_work(instance, run_id), kept_open(instance, run_id):
        result = job.execute_in_process(
            instance=instance, tags=tags, run_config=config, raise_on_error=False, run_id=run_id
        )
    failed = [check for check in result.get_asset_check_evaluations() if is_failed(check)]
    problems = [_words(event) for event in result.all_events if is_step_failure(event)]
    problems += [_check_words(check) for check in failed]
    if not result.success and not problems:
        problems = [_told_by(event) for event in result.all_events if event.is_failure]
    is_success, bad = result.success and not failed, frozenset(bad_days(result.all_events))
    return RunReport(result.run_id, tuple(days), is_success, tuple(problems), bad)


def _words(event: dg.DagsterEvent) -> str:
    """The description of an explained failure; the whole trace of a bug."""
    failure = event.step_failure_data
    told = failure.user_failure_data
    return f"{event.step_key}: {told.description if told else failure.error_display_string}"


def _told_by(event: dg.DagsterEvent) -> str:
    """Of a run that failed apart from its steps, such as one whose lake is away: our own error says what to do."""
    error = whole = event.job_failure_data.error if event.is_job_failure else None
    while error and error.cls_name not in vars(errors):
        error = error.cause
    return error.message.strip().partition(": ")[2] if error else str(whole or event.message)


def _check_words(check: dg.AssetCheckEvaluation) -> str:
    found = check.metadata.get("what")
    return f"check {check.check_name} of {check.asset_key.to_user_string()} failed:\n{found.value if found else ''}"
