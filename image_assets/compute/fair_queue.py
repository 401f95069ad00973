"""A queue in which nobody waits for all that another has put into it: those who wait share the time of who serves.

Start-time fair queueing (Goyal, Vin, Cheng 1996): whoever has cost least is next, and who comes anew, or comes back,
begins where those are who are being served. What an item costs is known once it is done; until then it counts as the
last one of the same did.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

_REMEMBERED: Final = 1_000


@dataclass(slots=True)
class _Line(Generic[Item]):
    """What one waits for, what all of his has cost, the last one, and what is reckoned for those being served."""

    items: deque[Item] = field(default_factory=deque)
    cost: float = 0.0
    usual: float = 0.0
    reckoned: deque[float] = field(default_factory=deque)


class FairQueue(Generic[Item]):
    """Items of several; of equals who was served least recently is next, each in the order in which he has asked."""

    def __init__(self, whose: Callable[[Item], Hashable]) -> None:
        self._whose = whose
        self._lines: OrderedDict[Hashable, _Line[Item]] = OrderedDict()
        """The least recently served first; of some who have nothing to wait for it is kept what they have cost."""
        self._served_at = 0.0
        """What whoever was served last had cost by then."""

    def __bool__(self) -> bool:
        return any(line.items for line in self._lines.values())

    def __len__(self) -> int:
        return sum(len(line.items) for line in self._lines.values())

    def append(self, item: Item) -> None:
        """Put an item behind others of the same; of who was never served nothing is known, and he is next."""
        whose = self._whose(item)
        if whose not in self._lines:
            self._forget()
            self._lines[whose] = _Line()
            self._lines.move_to_end(whose, last=False)
        line = self._lines[whose]
        if not line.items:
            line.cost = max(line.cost, self._served_at)
        line.items.append(item)

    def extend(self, items: Iterable[Item]) -> None:
        """Put in several."""
        for item in items:
            self.append(item)

    def popleft(self) -> Item:
        """Take the next item; IndexError when there is none."""
        waiting = [(whose, line) for whose, line in self._lines.items() if line.items]
        if not waiting:
            raise IndexError("nobody waits")
        whose, line = min(waiting, key=lambda each: each[1].cost)
        self._lines.move_to_end(whose)
        self._served_at = max(self._served_at, line.cost)
        line.cost += line.usual
        line.reckoned.append(line.usual)
        return line.items.popleft()

    def charge(self, item: Item, cost: float) -> None:
        """Tell what an item that was taken has cost, in the unit of all others."""
        line = self._lines.get(self._whose(item))
        if line and line.reckoned:
            line.cost += cost - line.reckoned.popleft()
            line.usual = cost

    def remove(self, item: Item) -> None:
        """Take out an item; ValueError when it is not there."""
        self._lines.get(self._whose(item), _Line[Item]()).items.remove(item)

    def clear(self) -> None:
        """Take out everything."""
        self._lines.clear()

    def _forget(self) -> None:
        if len(self._lines) >= _REMEMBERED:
            for whose in [whose for whose, line in self._lines.items() if not line.items]:
                del self._lines[whose]
