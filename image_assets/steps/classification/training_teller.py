"""Telling of a training as it goes: every change of its record, and of what counts at most twice a second."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from image_assets.lake.object_store import ObjectStore
from image_assets.steps.classification.training_runs import (
    Outcome,
    Stage,
    StageReport,
    TrainingRun,
    keep_training,
)

_EVERY_S: Final = 0.5


class TrainingTeller:
    """Keeps the record of the training that this process does; may be shared by threads."""

    def __init__(self, store: ObjectStore, run: TrainingRun, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._run, self._clock = store, run, clock
        self._telling, self._told_at = threading.Lock(), float("-inf")
        keep_training(store, run)

    @property
    def run(self) -> TrainingRun:
        """How far it is."""
        return self._run

    def begin(self, stage: Stage) -> None:
        """A stage is at work."""
        self._tell(StageReport(stage))

    def count(self, stage: Stage, done: int, total: int) -> None:
        """A stage that counts has come so far."""
        is_begun = any(each.stage is stage for each in self._run.stages)
        self._tell(StageReport(stage, "", done, total), is_urgent=not is_begun)

    def end(self, stage: Stage, told: str) -> None:
        """A stage is over, and what came of it."""
        before = next((each for each in self._run.stages if each.stage is stage), StageReport(stage))
        self._tell(replace(before, told=told))

    def name_challenger(self, model_version: str) -> None:
        """There is a new version."""
        with self._telling:
            self._run = replace(self._run, challenger=model_version)
            keep_training(self._store, self._run)

    def finish(self, outcome: Outcome, problem: str | None = None) -> None:
        """It is over; the first word on that counts."""
        with self._telling:
            if self._run.is_under_way:
                self._run = replace(self._run, outcome=outcome, problem=problem, ended_at=datetime.now(UTC))
                keep_training(self._store, self._run)

    def _tell(self, report: StageReport, *, is_urgent: bool = True) -> None:
        with self._telling:
            others = tuple(each for each in self._run.stages if each.stage is not report.stage)
            self._run = replace(self._run, stages=(*others, report))
            if is_urgent or self._clock() - self._told_at >= _EVERY_S:
                self._told_at = self._clock()
                keep_training(self._store, self._run)
