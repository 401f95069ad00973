"""Which runs are at work: each holds a file while it lasts, and the runs of dead processes are ended by others.

Dagster believes what a run recorded last. One whose process was killed would be at work for good, keep its place
in the pools and have every later run wait.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from image_assets.orchestration.runs.held_files import is_held, is_let_go, try_to_hold
from image_assets.orchestration.runs.history import INVOCATION_TAG, UNFINISHED

PROCESS_TAG = "image_assets/process"
"""Who does a run, in words."""

_FOLDER = "at_work"
_held: set[Path] = set()


def this_process() -> str:
    """Who we are, as others are told."""
    return f"pid {os.getpid()} on {socket.gethostname()}"


@contextmanager
def at_work(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Hold the run's file; it stays behind when the process is killed, and also when the run was not recorded.

    May be entered again in the same process: a run's resources are made more than once.
    """
    file = _file(instance, run_id)
    if file is None or file in _held:
        yield
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    begun = file.with_suffix(".begun")
    with try_to_hold(begun):
        # Under its name it is never seen before it is held.
        begun.rename(file)
        _held.add(file)
        try:
            yield
            file.unlink(missing_ok=True)
        finally:
            _held.remove(file)


def end_abandoned_runs(instance: dg.DagsterInstance) -> int:
    """End the runs whose process is gone, and free the places in pools of all that are over; say how many were ended.

    A command line's run counts as cancelled; one that the UI or the daemon started as failed, so that Dagster starts it
    again as `run_retries` says.
    """
    abandoned = [run for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)) if _is_abandoned(instance, run)]
    for run in abandoned:
        message = f"its process ({run.tags.get(PROCESS_TAG, 'unknown')}) is gone"
        if is_of_command_line(run):
            instance.report_run_canceled(run, message=message)
        else:
            instance.report_run_failed(run, message=message)
    _free_places(instance)
    _sweep(instance)
    return len(abandoned)


def is_of_command_line(run: dg.DagsterRun) -> bool:
    """Whether a command line does the run; one that the UI repeats inherits its tags and is not."""
    return INVOCATION_TAG in run.tags and run.parent_run_id is None


def holders_of(instance: dg.DagsterInstance, pool: str) -> list[str]:
    """Runs that have a place in the pool."""
    info = instance.event_log_storage.get_concurrency_info(pool)
    claimed = [slot.run_id for slot in info.claimed_slots]
    return claimed or [step.run_id for step in info.pending_steps if step.assigned_timestamp]


def _is_abandoned(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    file = _file(instance, run.run_id)
    if file is not None and is_let_go(file):
        return True
    # Before there were such files, killed command lines left nothing but their run.
    return is_of_command_line(run) and PROCESS_TAG not in run.tags


def _free_places(instance: dg.DagsterInstance) -> None:
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits:
        return
    infos = [storage.get_concurrency_info(pool) for pool in storage.get_concurrency_keys()]
    claimed = {slot.run_id for info in infos for slot in info.claimed_slots}
    for run_id in claimed | {step.run_id for info in infos for step in info.pending_steps}:
        run, file = instance.get_run_by_id(run_id), _file(instance, run_id)
        if (run is None or run.is_finished) and not (file and is_held(file)):
            storage.free_concurrency_slots_for_run(run_id)


def _sweep(instance: dg.DagsterInstance) -> None:
    """Files of runs that are over; one without a run may be of one that begins."""
    if not instance.is_persistent:
        return
    for file in _folder(instance).glob("*"):
        run = instance.get_run_by_id(file.name)
        if run is not None and run.is_finished and is_let_go(file):
            file.unlink(missing_ok=True)


def _file(instance: dg.DagsterInstance, run_id: str) -> Path | None:
    """None where a run cannot outlive its process, because Dagster's memory does not."""
    return _folder(instance) / run_id if instance.is_persistent else None


def _folder(instance: dg.DagsterInstance) -> Path:
    return Path(instance.root_directory).absolute() / _FOLDER
