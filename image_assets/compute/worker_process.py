"""One worker process as its parent sees it."""

import os
import pickle
import resource
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Pipe
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Generic, TypeVar

from image_assets.compute.backlog import Task
from image_assets.compute.messages import Batch, Died, Load, Report

Item = TypeVar("Item")

_LOAD_TIMEOUT_S = 120.0
"""Python must start and the function be imported within this; a large library on a slow disk needs 20 s."""

_MAXRSS_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024

_NEAR_THE_LIMIT = 0.8
"""A worker that dies with this part of its memory limit in use is taken to have died of it."""

_MOST_WORDS_BYTES = 65_536
_LAST_WORDS_LENGTH = 300
"""The end of what a dying worker said: the error itself, not the way to it."""


@dataclass(frozen=True, slots=True)
class WorkerEnd:
    """How a worker ended.

    Attributes:
        exit_code: as in `subprocess`, negative for a signal; None when the system did not tell.
        was_near_memory_limit: it used most of what it was allowed.
        last_words: what it wrote to standard error over its last item, on one line.
    """

    exit_code: int | None
    was_near_memory_limit: bool
    last_words: str = ""

    def __str__(self) -> str:
        return f"{self._manner}: {self.last_words}" if self.last_words else self._manner

    @property
    def _manner(self) -> str:
        if self.exit_code is None:
            return "its worker died"
        if self.exit_code >= 0:
            return f"its worker exited with status {self.exit_code}"
        name = signal.Signals(-self.exit_code).name
        return f"its worker was killed by {name}"


class WorkerProcess(Generic[Item]):
    """A process, the line to it, and the tasks that it has not reported on.

    Attributes:
        bell: readable when the worker has something to say or has died.
        is_ready: the function is loaded.
        reports: number of items reported on in the worker's whole life.
        deadline: instant on the monotonic clock after which the worker is late.
    """

    def __init__(self, memory_bytes: int | None) -> None:
        self._messages, messages = Pipe()
        self.bell, bell = Pipe(duplex=False)
        lifeline, self._lifeline = Pipe(duplex=False)
        self.is_ready = False
        self.reports = 0
        self.deadline = float("inf")
        self._memory_bytes = memory_bytes
        self._work = b""
        self._tasks: deque[Task[Item]] = deque()
        self._task_began_at = 0.0
        self._in_hand = 0
        self._heard = 0
        self._words = ""
        # A file, not a pipe: nobody has to read it, and it outlives the worker.
        self._standard_error = TemporaryFile()  # noqa: SIM115 - closed by `stop`
        with messages, bell, lifeline:
            self._process = _start(
                (messages.fileno(), bell.fileno(), lifeline.fileno()), self._standard_error, memory_bytes
            )
        self._inherited_peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    @property
    def is_busy(self) -> bool:
        """Whether a task is in its hands."""
        return bool(self._tasks)

    @property
    def is_fresh(self) -> bool:
        """Whether it has done nothing yet, so that whatever happens is the fault of its first task."""
        return self.reports == 0

    def load(self, work: bytes) -> None:
        """Have the worker import a pickled function, unless it has it already."""
        if work != self._work:
            self.is_ready = False
            self._work = work
            self.deadline = time.monotonic() + _LOAD_TIMEOUT_S
            self._send(Load(work))

    def assign(self, tasks: Sequence[Task[Item]], item_timeout_s: float) -> None:
        """Give an idle worker its next tasks; TypeError when an item cannot be pickled."""
        batch = Batch([_pickle_item(task.item) for task in tasks])
        self._tasks.extend(tasks)
        self._in_hand = 0
        self._begin_task(time.monotonic(), item_timeout_s)
        self._send(batch)

    def announced_reports(self) -> Iterator[Report]:
        """Those that the readable bell tells of; from a dead worker its last words and `Died`."""
        try:
            announced: float = self.bell.recv()
        except (EOFError, OSError):
            announced = float("inf")
        while self._heard < announced:
            report = self._hear()
            yield report
            if isinstance(report, Died):
                return

    def unannounced_reports(self) -> Iterator[Report]:
        """Those that were written since the bell rang."""
        while self.is_busy and self._messages.poll():
            yield self._hear()

    def acknowledge(self, at: float, item_timeout_s: float) -> tuple[Task[Item], float]:
        """Take the task that was finished at the instant off its hands; also returns the seconds it took."""
        elapsed_s = at - self._task_began_at
        self.reports += 1
        self._in_hand = max(0, self._in_hand - 1)
        self._begin_task(at, item_timeout_s)
        return self._tasks.popleft(), elapsed_s

    def reach(self, ahead: int, at: float, item_timeout_s: float) -> None:
        """It works on the task that is so many behind the next to be reported on."""
        self._in_hand = ahead
        self.deadline = at + item_timeout_s

    def note(self, words: str) -> None:
        """Keep what was written over the task whose report comes next."""
        self._words += words

    def take_words(self) -> str:
        """What was noted since the last time."""
        words, self._words = self._words, ""
        return words

    def release_tasks(self) -> Sequence[Task[Item]]:
        """Take all tasks off its hands; the one that it worked on comes first."""
        tasks = list(self._tasks)
        self._tasks.clear()
        return [*tasks[self._in_hand : self._in_hand + 1], *tasks[: self._in_hand], *tasks[self._in_hand + 1 :]]

    def stop(self) -> "WorkerEnd":
        """Kill it, if it still lives, and reap it; to be called once."""
        try:
            os.kill(self._process.pid, signal.SIGKILL)
            _, status, usage = os.wait4(self._process.pid, 0)
        except (ProcessLookupError, ChildProcessError):  # this process ignores SIGCHLD: the system reaps
            self._process.returncode = 0
            return WorkerEnd(None, was_near_memory_limit=False, last_words=self._last_words())
        finally:
            for line in (self._messages, self.bell, self._lifeline):
                line.close()
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return WorkerEnd(self._process.returncode, self._was_near_the_limit(usage.ru_maxrss), self._last_words())

    def _last_words(self) -> str:
        with self._standard_error as file:
            file.seek(0)
            words = " ".join(file.read(_MOST_WORDS_BYTES).decode("utf-8", "replace").split())
        return "".join(character for character in words if character.isprintable())[-_LAST_WORDS_LENGTH:]

    def _was_near_the_limit(self, peak: int) -> bool:
        # A process inherits the peak of the one that started it: a smaller value says nothing about itself.
        if self._memory_bytes is None or peak <= self._inherited_peak:
            return False
        return peak * _MAXRSS_UNIT_BYTES >= _NEAR_THE_LIMIT * self._memory_bytes

    def _begin_task(self, at: float, item_timeout_s: float) -> None:
        self._task_began_at = at
        self.deadline = at + item_timeout_s

    def _hear(self) -> Report:
        try:
            report: Report = self._messages.recv()
        except (EOFError, OSError):
            return Died()
        self._heard += 1
        return report

    def _send(self, message: Load | Batch) -> None:
        # The worker waits in recv() when this is called, so sending cannot block for long;
        # a dead worker shows when its bell is read.
        with suppress(OSError):
            self._messages.send(message)


def _start(
    descriptors: tuple[int, ...], standard_error: IO[bytes], memory_bytes: int | None
) -> subprocess.Popen[bytes]:
    arguments = (*descriptors, memory_bytes or 0)
    return subprocess.Popen(  # noqa: S603 - the arguments are made here
        [sys.executable, "-P", "-m", "image_assets.compute.worker", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stderr=standard_error,
        pass_fds=descriptors,
        env=_worker_environment(),
        # Out of the terminal's foreground group: Ctrl-C reaches only the parent, which stops its workers.
        process_group=0,
    )


def _worker_environment() -> dict[str, str]:
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    # One thread per worker: the workers themselves fill the processors.
    return {"OMP_NUM_THREADS": "1", **os.environ, "PYTHONPATH": path}


def _pickle_item(item: object) -> bytes:
    try:
        return pickle.dumps(item, protocol=pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        message = f"an item of type {type(item).__qualname__} cannot be sent to a worker: {error}"
        raise TypeError(message) from error
