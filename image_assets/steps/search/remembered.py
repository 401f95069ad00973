"""What was made before and is asked for again, as long as what it was made from does not change."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

_T = TypeVar("_T")


class Remembered:
    """The answers that were asked for last; threads may share it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[object, ...], Any] = OrderedDict()
        self._lock = Lock()

    def __call__(self, key: tuple[object, ...], make: Callable[[], _T]) -> _T:
        """What was made under this key before, or is made now."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                kept: _T = self._kept[key]
                return kept
        made = make()
        with self._lock:
            self._kept[key] = made
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made
