"""The items that wait for a worker, pulled from the stream only when a worker wants them."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Generic, TypeVar

Item = TypeVar("Item")

_TARGET_BATCH_S = 0.1
"""A batch should take about this long: far above the cost of a message, far below what a person notices."""

_PACE_MEMORY = 0.8
"""Weight of the past in the running mean of seconds per item."""


@dataclass(frozen=True, slots=True)
class Task(Generic[Item]):
    """An item on its way to an outcome.

    Attributes:
        is_suspect: it was in hand when a worker was lost, and has one chance left.
    """

    item: Item
    is_suspect: bool = False


class Backlog(Generic[Item]):
    """Lazy queue with a separate line for suspects, who get a fresh worker to themselves."""

    def __init__(self, items: Iterable[Item], largest_batch: int, smallest_batch: int = 1) -> None:
        """`smallest_batch` is for work that overlaps: alone an item takes so long that it would stay alone for ever."""
        self._source = iter(items)
        self._largest_batch, self._smallest_batch = largest_batch, smallest_batch
        self._waiting: deque[Task[Item]] = deque()
        self._suspects: deque[Task[Item]] = deque()
        self._seconds_per_item: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether more may come although nothing waits."""
        return False

    @property
    def bells(self) -> Sequence[Connection]:
        """Readable when something has come that nobody has looked for yet."""
        return ()

    @property
    def suspects(self) -> int:
        """Number of tasks that wait for a fresh worker."""
        return len(self._suspects)

    def holds(self, count: int) -> bool:
        """Whether at least so many ordinary tasks wait; pulls that many and no more."""
        while len(self._waiting) < count:
            try:
                self._waiting.append(Task(next(self._source)))
            except StopIteration:
                return False
        return True

    def take(self, is_fresh: bool) -> Sequence[Task[Item]]:
        """The next batch: one suspect for a fresh worker, else about 0.1 s of work; empty if none is left."""
        if is_fresh and self._suspects:
            return [self._suspects.popleft()]
        size = self._batch_size()
        self.holds(size)
        return [self._waiting.popleft() for _ in range(min(size, len(self._waiting)))]

    def give_back(self, tasks: Sequence[Task[Item]]) -> None:
        """Put tasks that were not begun back to the front, in their order."""
        self._waiting.extendleft(reversed(tasks))

    def suspect(self, task: Task[Item]) -> None:
        """Keep a task for its second and last chance."""
        self._suspects.append(replace(task, is_suspect=True))

    def charge(self, item: Item, seconds: float) -> None:
        """An item has taken so much of a worker's time."""

    def learn_pace(self, seconds: float) -> None:
        """Take note of how long an item took."""
        past = seconds if self._seconds_per_item is None else self._seconds_per_item
        self._seconds_per_item = _PACE_MEMORY * past + (1 - _PACE_MEMORY) * seconds

    def _batch_size(self) -> int:
        if self._seconds_per_item is None:
            return self._smallest_batch
        wanted = _TARGET_BATCH_S / max(self._seconds_per_item, 1e-6)
        return max(self._smallest_batch, min(self._largest_batch, int(wanted)))
