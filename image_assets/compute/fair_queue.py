"""A queue in which nobody waits for all that another has put into it: those who wait have their turns."""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

_REMEMBERED: Final = 1_000


class FairQueue(Generic[Item]):
    """Items of several; who was served least recently is served next, each in the order in which he has asked."""

    def __init__(self, whose: Callable[[Item], Hashable]) -> None:
        self._whose = whose
        self._queues: OrderedDict[Hashable, deque[Item]] = OrderedDict()
        """The least recently served first; of some who have nothing to wait for it is kept that they were served."""

    def __bool__(self) -> bool:
        return any(self._queues.values())

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def append(self, item: Item) -> None:
        """Put an item behind others of the same; who was never served is next."""
        whose = self._whose(item)
        if whose not in self._queues:
            self._forget()
            self._queues[whose] = deque()
            self._queues.move_to_end(whose, last=False)
        self._queues[whose].append(item)

    def extend(self, items: Iterable[Item]) -> None:
        """Put in several."""
        for item in items:
            self.append(item)

    def popleft(self) -> Item:
        """Take the next item; IndexError when there is none."""
        for whose, queue in self._queues.items():
            if queue:
                self._queues.move_to_end(whose)
                return queue.popleft()
        raise IndexError("nobody waits")

    def remove(self, item: Item) -> None:
        """Take out an item; ValueError when it is not there."""
        self._queues.get(self._whose(item), deque[Item]()).remove(item)

    def clear(self) -> None:
        """Take out everything."""
        self._queues.clear()

    def _forget(self) -> None:
        if len(self._queues) >= _REMEMBERED:
            for whose in [whose for whose, queue in self._queues.items() if not queue]:
                del self._queues[whose]
