"""The workers of one engine: hired when wanted, replaced when worn out, dismissed at once."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from image_assets.compute.worker_process import WorkerEnd, WorkerProcess
from image_assets.errors import ConfigurationError

Item = TypeVar("Item")

_MAX_START_FAILURES = 3
"""So many workers in a row that died before they could begin: the next would die too."""


class Crew(Generic[Item]):
    """Living workers that share one function; outlives a stream, so that the next one finds them warm."""

    def __init__(self, size: int, memory_bytes: int | None, recycle_after_items: int) -> None:
        self._size = size
        self._memory_bytes = memory_bytes
        self._recycle_after_items = recycle_after_items
        self._work = b""
        self._workers: list[WorkerProcess[Item]] = []
        self._start_failures = 0

    @property
    def starting(self) -> int:
        """Number of workers that do not have the function yet."""
        return sum(not worker.is_ready for worker in self._workers)

    @property
    def has_vacancy(self) -> bool:
        """Whether one more may be hired; a worn-out worker keeps working but its place is free."""
        return sum(not self._is_worn_out(worker) for worker in self._workers) < self._size

    @property
    def is_any_busy(self) -> bool:
        """Whether tasks are in anybody's hands."""
        return any(worker.is_busy for worker in self._workers)

    def take_up(self, work: bytes) -> None:
        """Have everybody load this pickled function."""
        self._work = work
        self._start_failures = 0
        for worker in self._workers:
            worker.load(work)

    def start_one(self) -> None:
        """Hire one more; it is ready after a while. ConfigurationError when the system refuses."""
        try:
            worker = WorkerProcess[Item](self._memory_bytes)
        except OSError as error:
            raise ConfigurationError(f"cannot start worker {len(self._workers) + 1}: {error}") from error
        self._workers.append(worker)
        worker.load(self._work)

    def attended(self) -> Sequence[WorkerProcess[Item]]:
        """Those from whom something is expected."""
        return [worker for worker in self._workers if worker.is_busy or not worker.is_ready]

    def idle(self) -> Sequence[WorkerProcess[Item]]:
        """Those who can take a batch now; dismisses the worn-out whose successors are ready."""
        self._dismiss_replaced()
        return [worker for worker in self._workers if worker.is_ready and not worker.is_busy]

    def welcome(self, worker: WorkerProcess[Item]) -> None:
        """The worker has the function."""
        worker.is_ready = True
        self._start_failures = 0

    def employs(self, worker: WorkerProcess[Item]) -> bool:
        """Whether the worker was not struck off."""
        return worker in self._workers

    def lose(self, worker: WorkerProcess[Item]) -> WorkerEnd:
        """Strike off a dead, late or spoilt worker; ConfigurationError when several in a row never began."""
        self._workers.remove(worker)
        end = worker.stop()
        if worker.is_fresh and not worker.is_ready:
            self._start_failures += 1
            if self._start_failures >= _MAX_START_FAILURES:
                raise _cannot_start(end)
        return end

    def settle(self) -> None:
        """Keep the ready workers for the next stream and dismiss the others."""
        for worker in self.attended():
            self._dismiss(worker)

    def disband(self) -> None:
        """Stop everybody at once, whatever they are doing."""
        while self._workers:
            self._dismiss(self._workers[-1])

    def _dismiss_replaced(self) -> None:
        surplus = len(self._workers) - self.starting - self._size
        leaving = [worker for worker in self._workers if worker.is_ready and not worker.is_busy and not worker.is_fresh]
        for worker in leaving[: max(0, surplus)]:
            self._dismiss(worker)

    def _dismiss(self, worker: WorkerProcess[Item]) -> None:
        self._workers.remove(worker)
        worker.stop()

    def _is_worn_out(self, worker: WorkerProcess[Item]) -> bool:
        return worker.reports >= self._recycle_after_items


def _cannot_start(end: WorkerEnd) -> ConfigurationError:
    return ConfigurationError(
        f"{_MAX_START_FAILURES} workers in a row died before their first item; of the last, {end}. "
        "Raise IMAGE_ASSETS_WORKER_MEMORY_MB, or import the function in a fresh Python and see what ends it."
    )
