"""One thread that computes: what is asked for while it works is its next batch, so nobody waits for a batch to fill.

It knows no model. A job is an item and the function that is called with all waiting items of its kind at once.
"""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar

from image_assets.errors import ImageAssetsError, PoisonedItemError, ServiceBusyError

_log = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")
Work: TypeAlias = Callable[[Sequence[Item]], Iterable[Result]]
"""One result per item, in order; bound methods of one object are the same work."""

LARGEST_BATCH: Final = 32
"""On one thread an image costs half at 32 of what it costs alone, and no less in larger batches."""

_PACE_MEMORY: Final = 0.8
"""Weight of the past in the running mean of seconds per item."""


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    work: Work[Any, Any]
    item: Any
    caller: str = ""
    answer: Future[Any] = field(default_factory=Future)
    asked_at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class BatcherState:
    """What can be seen from outside.

    Attributes:
        waiting: items that no batch has taken yet.
        oldest_s: how long the oldest item has waited or been computed; it grows without end when the thread is stuck.
        batches: done so far.
        items: done so far.
        seconds_per_item: running mean.
    """

    waiting: int
    oldest_s: float
    batches: int
    items: int
    seconds_per_item: float


class Batcher:
    """The thread and what waits for it; who asks gets futures, and a cancelled one is never computed."""

    def __init__(self, prepare: Callable[[], None]) -> None:
        """`prepare` comes before each batch, in the thread; what it raises fails the batch as it is."""
        self._prepare = prepare
        self._news = threading.Condition()
        self._waiting: deque[_Job] = deque()
        self._in_hand: Sequence[_Job] = ()
        self._batches, self._items, self._seconds_per_item = 0, 0, 0.0
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="model", daemon=True)

    @property
    def state(self) -> BatcherState:
        """See `BatcherState`."""
        with self._news:
            oldest = min((jobs[0].asked_at for jobs in (self._in_hand, self._waiting) if jobs), default=None)
            age = 0.0 if oldest is None else time.monotonic() - oldest
            return BatcherState(len(self._waiting), age, self._batches, self._items, self._seconds_per_item)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def submit(self, work: Work[Item, Result], items: Sequence[Item], caller: str = "") -> list[Future[Result]]:
        """Have items computed, each with whatever waits beside it; `ServiceBusyError` when it is closed."""
        jobs = [_Job(work, item, caller) for item in items]
        with self._news:
            if self._is_closed:
                raise stopping()
            self._waiting.extend(jobs)
            self._news.notify()
        return [job.answer for job in jobs]

    def close(self, patience_s: float) -> None:
        """Refuse what waits and let the batch in hand end; may be called twice."""
        with self._news:
            self._is_closed = True
            refused, self._waiting = self._waiting, deque()
            self._news.notify()
        for job in refused:
            if job.answer.set_running_or_notify_cancel():
                job.answer.set_exception(stopping())
        if self._thread.is_alive():
            self._thread.join(patience_s)

    def _run(self) -> None:
        while batch := self._next_batch():
            self._compute(batch)

    def _next_batch(self) -> Sequence[_Job]:
        """The oldest job and those of its kind; none once it is closed."""
        with self._news:
            self._in_hand = ()
            while not self._in_hand and not self._is_closed:
                self._news.wait_for(lambda: self._waiting or self._is_closed)
                self._in_hand = [job for job in self._taken() if job.answer.set_running_or_notify_cancel()]
            return self._in_hand

    def _taken(self) -> list[_Job]:
        taken: list[_Job] = []
        for job in _in_turns(self._waiting):
            if len(taken) < LARGEST_BATCH and (not taken or job.work == taken[0].work):
                taken.append(job)
        gone = {id(job) for job in taken}
        self._waiting = deque(job for job in self._waiting if id(job) not in gone)
        return taken

    def _compute(self, batch: Sequence[_Job]) -> None:
        try:
            self._prepare()
        except Exception as error:  # noqa: BLE001 - whoever asked is told; the thread must outlive it
            for job in batch:
                job.answer.set_exception(error)
            return
        began = time.monotonic()
        _attempt(batch)
        self._note(len(batch), time.monotonic() - began)

    def _note(self, count: int, seconds: float) -> None:
        with self._news:
            self._batches += 1
            self._items += count
            past = self._seconds_per_item or seconds / count
            self._seconds_per_item = _PACE_MEMORY * past + (1 - _PACE_MEMORY) * seconds / count


def _in_turns(jobs: Iterable[_Job]) -> list[_Job]:
    """The oldest job of each caller, then the second of each, and so on: every caller is in the next batch."""
    before = Counter[str]()
    places: list[tuple[int, _Job]] = []
    for job in jobs:
        places.append((before[job.caller], job))
        before[job.caller] += 1
    return [job for _, job in sorted(places, key=lambda each: each[0])]


def stopping() -> ServiceBusyError:
    """What is told to those who ask while the service ends."""
    return ServiceBusyError("the service is stopping: ask again", seconds=5)


def _attempt(batch: Sequence[_Job]) -> None:
    """Compute a batch; of one that fails each half by itself, down to the items that are at fault."""
    try:
        results = batch[0].work([job.item for job in batch])
        answered = list(zip(batch, results, strict=True))
    except Exception as error:  # noqa: BLE001 - a model's libraries raise anything; it costs the item, not the thread
        if len(batch) == 1:
            batch[0].answer.set_exception(_blame(error))
            return
        middle = len(batch) // 2
        _attempt(batch[:middle])
        _attempt(batch[middle:])
        return
    for job, result in answered:
        job.answer.set_result(result)


def _blame(error: Exception) -> Exception:
    if isinstance(error, ImageAssetsError):
        return error
    _log.error("a model fails on one item: %s", error, exc_info=error)
    poisoned = PoisonedItemError("the model fails on this one item; the log says how")
    poisoned.__cause__ = error
    return poisoned
