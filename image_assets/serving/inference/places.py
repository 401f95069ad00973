"""How many items may be on their way at once; who finds no room is told at once when to come again."""

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from image_assets.errors import ServiceBusyError


class Places:
    """Room for so many items, from before they are decoded until they are answered; of one caller a share of it."""

    def __init__(self, most: int, seconds_per_item: Callable[[], float], share: int | None = None) -> None:
        self._most, self._seconds_per_item = most, seconds_per_item
        self._share = share or most
        self._taken = Counter[str]()
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """Items on their way."""
        with self._lock:
            return self._taken.total()

    @contextmanager
    def take(self, count: int = 1, caller: str = "") -> Iterator[None]:
        """Room for these items meanwhile; what asks for nobody has no share.

        Raises:
            ServiceBusyError: there is none; it says when what is on its way will be done.
        """
        with self._lock:
            self._refuse(count, caller)
            self._taken[caller] += count
        try:
            yield
        finally:
            with self._lock:
                self._taken -= Counter({caller: count})

    def check(self, caller: str = "") -> None:
        """`ServiceBusyError` when not one more finds room: before a body is read that nobody would look at."""
        with self._lock:
            self._refuse(1, caller)

    def _refuse(self, count: int, caller: str) -> None:
        if self._taken.total() + count > self._most:
            raise self._full(f"{self._taken.total()} items wait for the model", self._taken.total())
        if caller and self._taken[caller] + count > self._share:
            raise self._full(f"{self._taken[caller]} items of {caller} wait for the model", self._taken[caller])

    def _full(self, told: str, items: int) -> ServiceBusyError:
        seconds = max(1, math.ceil(items * self._seconds_per_item()))
        return ServiceBusyError(f"{told}: ask again in {seconds} s", seconds=seconds)
