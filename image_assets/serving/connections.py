"""How many connections there are: each takes a descriptor of the process, without which nothing can be opened."""

import resource
from collections import defaultdict
from typing import Final, Protocol

from image_assets.serving.crowd import origin_of

_MOST: Final = 4_096
_WANTED: Final = 8_192
_RESERVE: Final = 256
"""Descriptors for files, workers and the service itself."""


class Connection(Protocol):
    """Somebody's connection."""

    @property
    def is_waiting(self) -> bool:
        """Whether nothing of a request is being answered on it."""
        ...

    def cut(self) -> None:
        """End it at once."""
        ...


class Connections:
    """Those that are open; one too many costs the oldest that only waits, of the address that has most.

    So whoever opens many, to hold them, takes them from himself, and the newest of each always finds room.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most, self._count = most, 0
        self._open: defaultdict[str, dict[Connection, None]] = defaultdict(dict)

    def add(self, connection: Connection, address: str) -> None:
        """Count one that was opened; cut another for it, or itself while all are being answered."""
        self._open[origin_of(address)][connection] = None
        self._count += 1
        if self._count > self._most:
            (self._idle() or connection).cut()

    def remove(self, connection: Connection, address: str) -> None:
        """Count one no longer; may be called twice."""
        origin = origin_of(address)
        if connection in self._open[origin]:
            del self._open[origin][connection]
            self._count -= 1
        if not self._open[origin]:
            del self._open[origin]

    def _idle(self) -> Connection | None:
        heaviest_first = sorted(self._open.values(), key=len, reverse=True)
        return next((each for some in heaviest_first for each in some if each.is_waiting), None)


def room_for_connections() -> Connections:
    """As many as the system lets this process have, once it was asked for more, less what files need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED if hard == resource.RLIM_INFINITY else min(_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    had = _WANTED if soft == resource.RLIM_INFINITY else soft
    return Connections(min(_MOST, max(had - _RESERVE, had // 2)))
