"""Waiting for a place in a pool: for as long as its holder lives, and with words that say who that is."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import dagster as dg

# Private: Dagster offers nobody a say in how a step waits.
from dagster._core.errors import raise_execution_interrupts
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._utils.concurrency import ConcurrencyClaimStatus

from image_assets.orchestration.runs.at_work import PROCESS_TAG, end_abandoned_runs, holders_of, is_of_command_line
from image_assets.orchestration.runs.history import days_of_run

_LOOK_EVERY_S = 1.0
_TELL_AFTER_S, _TELL_EVERY_S = 2.0, 60.0


def take_turns(instance: dg.DagsterInstance, tell: Callable[[str], None] | None = None) -> None:
    """Have the steps of this process wait here for their pools, and be told for whom; also in the run's own log.

    Dagster's own executor spins at full speed while a step waits, says nothing, and never asks if the holder lives.
    """
    storage = instance.event_log_storage
    if not isinstance(storage.claim_concurrency_slot, _PatientClaim):
        # Dagster has no place for a claim of one's own.
        storage.claim_concurrency_slot = _PatientClaim(instance, tell)  # type: ignore[method-assign]


class _PatientClaim:
    """Claims a place in a pool, however long that takes."""

    def __init__(self, instance: dg.DagsterInstance, tell: Callable[[str], None] | None) -> None:
        self._instance = instance
        self._claim = instance.event_log_storage.claim_concurrency_slot
        self._tell = tell

    def __call__(
        self, concurrency_key: str, run_id: str, step_key: str, priority: int | None = None
    ) -> ConcurrencyClaimStatus:
        tell_at = time.monotonic() + _TELL_AFTER_S
        while not (status := self._claim(concurrency_key, run_id, step_key, priority)).is_claimed:
            end_abandoned_runs(self._instance)
            self._assign_free_places(concurrency_key)
            if time.monotonic() >= tell_at:
                tell_at += _TELL_EVERY_S
                self._say(f"{step_key} waits for {concurrency_key}: {self._for_whom(concurrency_key)}", run_id)
            with raise_execution_interrupts():
                time.sleep(_LOOK_EVERY_S)
        return status

    def _assign_free_places(self, pool: str) -> None:
        """Between two looks of two processes a free place can be given to nobody, and then it stays so."""
        storage = self._instance.event_log_storage
        if isinstance(storage, SqlEventLogStorage) and storage.has_unassigned_slots(pool):
            storage.assign_pending_steps([pool])

    def _say(self, words: str, run_id: str) -> None:
        if run := self._instance.get_run_by_id(run_id):
            self._instance.report_engine_event(words, run)
        if self._tell:
            self._tell(words)

    def _for_whom(self, pool: str) -> str:
        holders = [self._described(run_id) for run_id in holders_of(self._instance, pool)]
        return "; ".join(holders) or "its place is about to be free"

    def _described(self, run_id: str) -> str:
        record = self._instance.get_run_record_by_id(run_id)
        if record is None:
            return f"run {run_id}"
        run, since = record.dagster_run, datetime.fromtimestamp(record.start_time or 0, UTC)
        days = days_of_run(run.tags)
        span = f" of {days[0]}" + (f" to {days[-1]}" if len(days) > 1 else "") if days else ""
        end = "Ctrl-C there or kill it" if is_of_command_line(run) else "terminate it in the UI: make dev"
        who = run.tags.get(PROCESS_TAG, "a process that did not say who it is")
        return (
            f"run {run_id[:8]} ({run.job_name}{span}) is at work since {since:%Y-%m-%d %H:%M:%S} UTC, {who}; "
            f"this goes on when it ends ({end})"
        )
