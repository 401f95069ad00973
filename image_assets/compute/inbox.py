"""Items that come one by one while a stream goes on, from any thread: what a service is asked for."""

from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from threading import Lock

from image_assets.compute.backlog import Backlog, Item, Task
from image_assets.compute.fair_queue import FairQueue


class Inbox(Backlog[Item]):
    """A backlog that is filled from outside.

    Unless larger batches are allowed, a worker gets one item at a time, so that nobody waits for a neighbour.
    """

    def __init__(
        self, whose: Callable[[Item], Hashable] = lambda _: None, largest_batch: int = 1, smallest_batch: int = 1
    ) -> None:
        """`whose` tells who has asked for an item: those who wait have their turns; see `Backlog` on batches."""
        super().__init__((), largest_batch, smallest_batch)
        self._lock = Lock()
        self._incoming: FairQueue[Item] = FairQueue(whose)
        self._is_open = True
        # A ring costs whoever asks and whoever is woken: while every worker is busy nobody has a use for it.
        self._is_awaited, self._is_rung = False, False
        self._bell, self._cord = Pipe(duplex=False)

    @property
    def waiting(self) -> int:
        """Number of items that no worker has taken up, apart from those that wait for a second chance."""
        with self._lock:
            return len(self._waiting) + len(self._incoming)

    @property
    def is_open(self) -> bool:
        """False once it was closed: the stream ends then, whatever waits."""
        return self._is_open

    @property
    def bells(self) -> Sequence[Connection]:
        """See `Backlog`."""
        return (self._bell,)

    def put(self, item: Item) -> None:
        """Have an item done; RuntimeError when it is closed."""
        with self._lock:
            if not self._is_open:
                raise RuntimeError("the inbox is closed")
            self._incoming.append(item)
            if self._is_awaited:
                self._is_awaited = False
                self._ring()

    def withdraw(self, item: Item) -> None:
        """Forget an item that no worker has seen yet; one that was begun is finished."""
        with self._lock, suppress(ValueError):
            self._incoming.remove(item)

    def charge(self, item: Item, seconds: float) -> None:
        """Those who wait share the workers' time, not their number of items."""
        with self._lock:
            self._incoming.charge(item, seconds)

    def clear(self) -> None:
        """Forget everything that waits, also for a second chance; while no stream reads it."""
        with self._lock:
            self._incoming.clear()
        self._waiting.clear()
        self._suspects.clear()

    def close(self) -> None:
        """Let the stream end, and with it what is in hand; may be called twice."""
        with self._lock:
            self._is_open = False
            self._ring()

    def holds(self, count: int) -> bool:
        """Whether at least so many ordinary tasks wait by now; if not, the bell rings for the next one."""
        with self._lock:
            if self._is_rung:
                self._bell.recv_bytes()
                self._is_rung = False
            while len(self._waiting) < count and self._incoming:
                self._waiting.append(Task(self._incoming.popleft()))
            self._is_awaited = len(self._waiting) < count
            return not self._is_awaited

    def _ring(self) -> None:
        """One ring at a time: a line that is full would have the ringer wait."""
        if not self._is_rung:
            self._is_rung = True
            self._cord.send_bytes(b"!")
