"""Parts of the service: what each is examined for, bounded in time, so that a storage that hangs hangs nobody."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from image_assets.errors import ImageAssetsError

_log = logging.getLogger(__name__)
_PATIENCE_S: Final = 2.0
_FRESH_S: Final = 1.0


class State(StrEnum):
    """How a part is."""

    OK = "ok"
    DEGRADED = "degraded"
    """It does its work, and something of it is broken."""
    LOADING = "loading"
    FAILED = "failed"


STATES: Final = tuple(State)


@dataclass(frozen=True, slots=True)
class Reading:
    """A number that an examination comes across, for metrics: `image_assets_{part}_{name}`.

    Attributes:
        name: ends with its unit.
        meaning: in words.
        value: the number.
        is_counter: whether it only ever grows.
        label: a name and a value, of one of several numbers of this name.
    """

    name: str
    meaning: str
    value: float
    is_counter: bool = False
    label: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What an examination finds; the detail is for anybody and names no folder."""

    state: State = State.OK
    detail: str = ""
    readings: Sequence[Reading] = ()


@dataclass(frozen=True, slots=True)
class PartState:
    """A part as it was examined last."""

    name: str
    state: State
    seconds: float
    detail: str
    readings: Sequence[Reading] = ()


class Part:
    """A part and its examination, of which one is under way at most.

    Its thread is the part's own and a daemon: one that hangs keeps neither requests nor the end of the process waiting.
    """

    def __init__(self, name: str, examination: Callable[[], Finding], patience_s: float = _PATIENCE_S) -> None:
        self.state = PartState(name, State.LOADING, 0.0, "not examined yet")
        self._examination, self._patience_s = examination, patience_s
        self._ended_at = float("-inf")
        self._started_at: float | None = None
        self._lock = threading.Lock()
        self._is_done = threading.Event()

    async def examine(self) -> PartState:
        """Its state now; that of a second ago is good enough."""
        if not self._begin():
            return self.state
        while not self._is_done.is_set() and self._age() < self._patience_s:
            await asyncio.sleep(0.002)
        if not self._is_done.is_set():
            self.state = replace(self.state, state=State.FAILED, seconds=self._age(), detail=self._silence())
        return self.state

    def _begin(self) -> bool:
        """Whether there is an examination to wait for."""
        with self._lock:
            if self._started_at is not None:
                # It hangs since an earlier look, which has waited for it, or it has just begun.
                return True
            if time.monotonic() - self._ended_at < _FRESH_S:
                return False
            self._started_at = time.monotonic()
            self._is_done.clear()
        threading.Thread(target=self._run, name=f"examine {self.state.name}", daemon=True).start()
        return True

    def _run(self) -> None:
        began = time.monotonic()
        found = self._find()
        with self._lock:
            now = time.monotonic()
            if found.state == State.FAILED and self.state.detail != found.detail:
                _log.error("%s is not ready: %s", self.state.name, found.detail)
            self.state = PartState(self.state.name, found.state, now - began, found.detail, found.readings)
            self._ended_at, self._started_at = now, None
            self._is_done.set()

    def _find(self) -> Finding:
        try:
            return self._examination()
        except ImageAssetsError as error:
            # Its message names folders: that is for the log.
            _log.error("%s: %s", self.state.name, error)
            return Finding(State.FAILED, f"{type(error).__name__}; the log says more")
        except Exception as error:  # noqa: BLE001 - a part may be broken in a way that nobody has met
            _log.exception("%s cannot be examined", self.state.name)
            return Finding(State.FAILED, f"cannot be examined: {type(error).__name__}; the log says more")

    def _age(self) -> float:
        started = self._started_at
        return time.monotonic() - started if started is not None else 0.0

    def _silence(self) -> str:
        return f"no answer within {self._patience_s:g} s"


class Parts:
    """All parts of a service."""

    def __init__(self, examinations: Mapping[str, Callable[[], Finding]], patience_s: float = _PATIENCE_S) -> None:
        self._parts = [Part(name, each, patience_s) for name, each in examinations.items()]

    async def examine(self) -> Sequence[PartState]:
        """Each of them, at once."""
        return await asyncio.gather(*(part.examine() for part in self._parts))

    @property
    def states(self) -> Sequence[PartState]:
        """As they were found last."""
        return [part.state for part in self._parts]
