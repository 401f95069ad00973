"""One stream of items through a crew of workers: who gets what, and who is to blame when a worker is lost.

Workers report item by item and in order, so when one is lost the culprit is the first task that it has not
reported on, or a later one that it said it had reached. The others in its hands go back to the queue. A culprit that
died or ran out of memory may have paid for a neighbour's memory or a predecessor's leak: it gets one second chance,
alone in a fresh worker. One that hung gets none: it would cost the time limit again, and a limit is chosen with room to
spare.
"""

import math
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import wait
from typing import Any, Generic, cast

from image_assets.compute.backlog import Backlog
from image_assets.compute.crew import Crew
from image_assets.compute.messages import (
    Died,
    Finished,
    GaveBack,
    Loaded,
    NotLoaded,
    OutOfMemory,
    Raised,
    Reached,
    Rejected,
    Report,
    Said,
)
from image_assets.compute.outcomes import Done, Failed, Item, Outcome, Result
from image_assets.compute.worker_process import WorkerProcess
from image_assets.errors import ConfigurationError, ImageError, RejectionReason

_MAX_LOSSES_IN_A_ROW = 50
"""So many workers lost with no item finished in between is a broken world, not as many bad images."""


class ProcessStream(Generic[Item, Result]):
    """Hands tasks out, collects reports, and turns lost workers into verdicts about their culprits."""

    def __init__(self, crew: Crew[Item], backlog: Backlog[Item], item_timeout_s: float) -> None:
        self._crew = crew
        self._backlog = backlog
        self._item_timeout_s = item_timeout_s
        self._losses_in_a_row = 0

    def outcomes(self) -> Iterator[Outcome[Item, Result]]:
        """Exactly one outcome per item, in order of completion; leaves nobody busy when it ends by itself."""
        is_unfinished = self._hand_out()
        while is_unfinished:
            outcomes = self._collect()
            is_unfinished = self._hand_out()  # before the yield: workers do not wait for the consumer
            yield from outcomes

    def _hand_out(self) -> bool:
        """Give every idle worker a batch and hire those that are wanted; False when nothing is left to do."""
        for worker in self._crew.idle():
            if tasks := self._backlog.take(worker.is_fresh):
                worker.assign(tasks, self._item_timeout_s)
        while self._wants_a_worker():
            self._crew.start_one()
        if self._backlog.bells:
            return self._backlog.is_open
        return self._crew.is_any_busy or self._backlog.suspects > 0 or self._backlog.holds(1)

    def _wants_a_worker(self) -> bool:
        unclaimed = self._crew.starting - self._backlog.suspects
        if unclaimed < 0:
            return True
        return self._crew.has_vacancy and self._backlog.holds(unclaimed + 1)

    def _collect(self) -> list[Outcome[Item, Result]]:
        """Wait until a worker reports, dies or is late, or more comes; returns what became known."""
        attended = self._crew.attended()
        rung = wait([*self._backlog.bells, *(worker.bell for worker in attended)], _patience_s(attended))
        outcomes: list[Outcome[Item, Result]] = []
        for worker in attended:
            if worker.bell in rung:
                outcomes += self._listen(worker.announced_reports(), worker)
            elif worker.deadline <= time.monotonic():
                outcomes += self._remind(worker)
        return outcomes

    def _listen(self, reports: Iterator[Report], worker: WorkerProcess[Item]) -> list[Outcome[Item, Result]]:
        return [outcome for report in reports for outcome in self._act_on(report, worker)]

    def _remind(self, worker: WorkerProcess[Item]) -> list[Outcome[Item, Result]]:
        """Give up on a late worker, unless it has finished something and not rung."""
        outcomes = self._listen(worker.unannounced_reports(), worker)
        if worker.deadline <= time.monotonic() and self._crew.employs(worker):
            outcomes += self._give_up_on(worker)
        return outcomes

    def _act_on(self, report: Report, worker: WorkerProcess[Item]) -> list[Outcome[Item, Result]]:
        match report:
            case Finished(result, at):
                return [Done(self._acknowledge(worker, at), cast("Result", result), worker.take_words())]
            case Rejected(reason, detail, facts, at):
                return [Failed(self._acknowledge(worker, at), ImageError(reason, detail, facts), worker.take_words())]
            case OutOfMemory(detail, facts):
                self._crew.lose(worker)
                return self._judge(worker, ImageError(RejectionReason.OUT_OF_MEMORY, detail, facts))
            case Died():
                return self._bury(worker)
            case Said() | Reached() | Loaded():
                self._take_note(report, worker)
            case GaveBack():
                self._backlog.give_back(worker.release_tasks())
            case Raised(error, traceback):
                error.add_note(f"Raised in a worker process:\n{traceback}")
                raise error
            case NotLoaded(traceback):
                raise _not_importable(traceback)
        return []

    def _take_note(self, report: Said | Reached | Loaded, worker: WorkerProcess[Item]) -> None:
        match report:
            case Said(text):
                self._hear(worker, text)
            case Reached(ahead, at):
                worker.reach(ahead, at, self._item_timeout_s)
            case Loaded():
                self._crew.welcome(worker)

    def _hear(self, worker: WorkerProcess[Item], text: str) -> None:
        """Words over an item go with its outcome; those of an import name nobody."""
        if worker.is_busy:
            worker.note(text)
        else:
            sys.stderr.write(text)

    def _acknowledge(self, worker: WorkerProcess[Item], at: float) -> Item:
        self._losses_in_a_row = 0
        task, seconds = worker.acknowledge(at, self._item_timeout_s)
        self._backlog.learn_pace(seconds)
        self._backlog.charge(task.item, seconds)
        return task.item

    def _bury(self, worker: WorkerProcess[Item]) -> list[Outcome[Item, Result]]:
        end = self._crew.lose(worker)
        reason = RejectionReason.OUT_OF_MEMORY if end.was_near_memory_limit else RejectionReason.WORKER_CRASHED
        return self._judge(worker, ImageError(reason, str(end)))

    def _give_up_on(self, worker: WorkerProcess[Item]) -> list[Outcome[Item, Result]]:
        self._crew.lose(worker)
        detail = f"not done after {self._item_timeout_s:g} s"
        return self._judge(worker, ImageError(RejectionReason.TIMEOUT, detail))

    def _judge(self, worker: WorkerProcess[Item], error: ImageError) -> list[Outcome[Item, Result]]:
        """Decide about the tasks of a lost worker."""
        tasks = worker.release_tasks()
        if not tasks:
            return []
        culprit, *innocent = tasks
        self._backlog.give_back(innocent)
        if error.reason is not RejectionReason.TIMEOUT and not culprit.is_suspect:
            self._backlog.suspect(culprit)
            return []
        self._count_loss(error)
        # A lost worker costs others no less than the longest item.
        self._backlog.charge(culprit.item, self._item_timeout_s)
        return [Failed(culprit.item, error, worker.take_words())]

    def _count_loss(self, error: ImageError) -> None:
        self._losses_in_a_row += 1
        if self._losses_in_a_row > _MAX_LOSSES_IN_A_ROW:
            raise ConfigurationError(
                f"{self._losses_in_a_row} items in a row cost their worker and none was done between them; "
                f"the last: {error}. Look at IMAGE_ASSETS_WORKER_MEMORY_MB, "
                "IMAGE_ASSETS_IMAGE_TIMEOUT_S and the storage."
            )


def _patience_s(attended: Sequence[WorkerProcess[Any]]) -> float | None:
    """How long the earliest of them has left; None: nobody is waited for."""
    earliest = min((worker.deadline for worker in attended), default=math.inf)
    return None if math.isinf(earliest) else max(0.0, earliest - time.monotonic())


def _not_importable(traceback: str) -> ConfigurationError:
    error = ConfigurationError(
        "workers cannot import the function: define it at the top level of a module that sys.path finds"
    )
    error.add_note(f"Raised in a worker process:\n{traceback}")
    return error
