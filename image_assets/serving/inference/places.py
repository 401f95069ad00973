"""How many items may be on their way at once; who finds no room is told at once when to come again."""

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from image_assets.errors import ServiceBusyError


class Places:
    """Room for so many items, from before they are decoded until they are answered."""

    def __init__(self, most: int, seconds_per_item: Callable[[], float]) -> None:
        self._most, self._seconds_per_item = most, seconds_per_item
        self._taken = 0
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """Items on their way."""
        return self._taken

    @contextmanager
    def take(self, count: int = 1) -> Iterator[None]:
        """Room for these items meanwhile.

        Raises:
            ServiceBusyError: there is none; it says when what is on its way will be done.
        """
        with self._lock:
            if self._taken + count > self._most:
                raise self._full()
            self._taken += count
        try:
            yield
        finally:
            with self._lock:
                self._taken -= count

    def check(self) -> None:
        """`ServiceBusyError` when not one more finds room: before a body is read that nobody would look at."""
        if self._taken >= self._most:
            raise self._full()

    def _full(self) -> ServiceBusyError:
        seconds = max(1, math.ceil(self._taken * self._seconds_per_item()))
        return ServiceBusyError(f"{self._taken} items wait for the model: ask again in {seconds} s", seconds=seconds)
