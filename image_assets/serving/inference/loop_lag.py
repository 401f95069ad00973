"""How late the event loop is: what blocks it delays every request, whatever the request asks for."""

import asyncio
import time
from collections import deque
from typing import Final

_PERIOD_S: Final = 0.1
_REMEMBERED: Final = 600
"""A minute."""


class LoopLag:
    """A task that wants to wake ten times a second, and by how much it was late."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=_REMEMBERED)
        self._task: asyncio.Task[None] | None = None

    @property
    def largest_s(self) -> float:
        """The worst of the last minute."""
        return max(self._recent, default=0.0)

    def start(self) -> None:
        """Begin to measure the running loop."""
        self._task = asyncio.get_running_loop().create_task(self._measure())

    def stop(self) -> None:
        """End it; may be called twice."""
        if self._task:
            self._task.cancel()

    async def _measure(self) -> None:
        while True:
            due = time.monotonic() + _PERIOD_S
            await asyncio.sleep(_PERIOD_S)
            self._recent.append(max(0.0, time.monotonic() - due))
