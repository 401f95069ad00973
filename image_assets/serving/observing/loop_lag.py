"""How late the event loop comes back: what blocks it blocks every request."""

import asyncio
import time
from collections import deque
from typing import Final

_EVERY_S: Final = 0.05
_MEMORY_S: Final = 60


class LoopLag:
    """Watches the loop in which `watch` runs."""

    def __init__(self) -> None:
        # The worst of each second, so that a minute is sixty numbers.
        self._worst: deque[tuple[int, float]] = deque(maxlen=_MEMORY_S)

    def worst(self) -> float:
        """Seconds by which it was late at most in the last minute."""
        since = time.monotonic() - _MEMORY_S
        return max((lag for second, lag in list(self._worst) if second >= since), default=0.0)

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            began = time.monotonic()
            await asyncio.sleep(_EVERY_S)
            self._note(max(0.0, time.monotonic() - began - _EVERY_S))

    def _note(self, lag: float) -> None:
        second = int(time.monotonic())
        if self._worst and self._worst[-1][0] == second:
            lag = max(lag, self._worst.pop()[1])
        self._worst.append((second, lag))
