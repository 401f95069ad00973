"""The program of a worker process.

`python -m image_assets.compute.worker MESSAGES BELL LIFELINE MEMORY_BYTES`; the first three are descriptors.

It starts light, because what the work needs is imported with the work.
"""

import fcntl
import math
import os
import pickle
import resource
import select
import signal
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from typing import NoReturn, TypeVar

from image_assets.compute.messages import (
    Batch,
    Finished,
    GaveBack,
    Load,
    Loaded,
    NotLoaded,
    OutOfMemory,
    Raised,
    Reached,
    Rejected,
    Said,
)
from image_assets.compute.overlapping import OverlappingWork
from image_assets.compute.portable_errors import portable
from image_assets.errors import ImageError, RejectionReason

Work = Callable[[object], object]
T = TypeVar("T")

_BATCH_BUDGET_S = 0.25
"""A batch that takes longer is given back: its items are slower than the parent thought."""

_OVERLAPPING_BUDGET_S = 1.0
"""The same of a batch at whose two ends the worker waits for answers from afar with nothing else to do."""

_LONGEST_SILENCE_S = 0.1
"""Results of slow items reach the parent no later than this after the next one."""

_MOST_BEHIND = 8
"""So many items, held in memory, wait for what they leave to be safe before another is begun."""

_MOST_AHEAD = 8
"""What so many items need is asked for; those that are given back were then not asked for in vain."""

_SMALL_REPORT_BYTES = 4096
"""A report of this size can be written without waiting when the line has room at all."""


_STANDARD_ERROR = 2
_HEARD_BYTES = 16_384


def main() -> None:
    """Serve the parent until it goes away."""
    messages, bell, lifeline, memory_bytes = map(int, sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(lifeline)
    limit_memory(memory_bytes)
    with suppress(EOFError, ConnectionError):  # the parent is gone
        serve(ParentLine(Connection(messages), Connection(bell, readable=False)))


def die_with_parent(lifeline: int) -> None:
    """Have the kernel kill this process when the parent's end of the lifeline closes.

    The default action of SIGIO ends the process without running any Python, so it also ends a loop in C that
    never lets go of the interpreter. The parent never writes, so the only event is its end.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGIO])
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    hangup = select.poll()
    hangup.register(lifeline, select.POLLIN)
    if hangup.poll(0):  # the parent ended before the signal was armed
        sys.exit()


def limit_memory(size_bytes: int) -> None:
    """Let allocations beyond the limit fail (0: no limit).

    RLIMIT_DATA counts memory that is private and writable; RLIMIT_AS would also count libraries and the
    address space that allocators and thread pools reserve and never touch. macOS ignores the limit.
    """
    if size_bytes:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limit = size_bytes if hard == resource.RLIM_INFINITY else min(size_bytes, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


class ParentLine:
    """The line to the parent.

    Every report is written before the next item begins, so a crash loses none. But waking the parent costs
    ten times more than writing, so a bell wakes it about once per batch and tells how many reports there are.
    """

    def __init__(self, messages: Connection, bell: Connection) -> None:
        self._messages = messages
        self._bell = bell
        self._reports = 0
        self._rang_at = 0.0
        self._has_room = select.poll()
        self._has_room.register(messages, select.POLLOUT)

    def next_message(self) -> Load | Batch:
        """Waits for the parent; EOFError when it is gone."""
        message: Load | Batch = self._messages.recv()
        return message

    def report(self, pickled: bytes, is_last: bool) -> None:
        """Write a report; ring when the parent must act, has heard nothing for long, or must make room."""
        self._reports += 1
        now = time.monotonic()
        is_overdue = now - self._rang_at > _LONGEST_SILENCE_S
        if is_last or is_overdue or len(pickled) > _SMALL_REPORT_BYTES or not self._has_room.poll(0):
            self._rang_at = now
            self._bell.send(self._reports)
        self._messages.send_bytes(pickled)


def serve(parent: ParentLine) -> NoReturn:
    """Load work and do batches; EOFError or ConnectionError when the parent hangs up."""
    work: Work | None = None
    while True:
        message = parent.next_message()
        if isinstance(message, Load):
            work = load(message.work, parent)
        elif isinstance(work, OverlappingWork):
            do_overlapping_batch(work, message.items, parent)
        elif work is not None:
            do_batch(work, message.items, parent)


def load(pickled: bytes, parent: ParentLine) -> Work | None:
    """Import the function and say whether that worked."""
    try:
        work: Work = pickle.loads(pickled)  # noqa: S301 - from the parent
    except Exception:  # noqa: BLE001 - importing runs foreign code; the parent raises what is reported
        parent.report(pickle.dumps(NotLoaded(_current_traceback())), is_last=True)
        return None
    pass_on_words(parent)
    parent.report(pickle.dumps(Loaded()), is_last=True)
    return work


def do_batch(work: Work, items: list[bytes], parent: ParentLine) -> None:
    """Report item by item; stop after a fatal report; give back the rest of a batch that takes too long."""
    give_back_at = time.monotonic() + _BATCH_BUDGET_S
    for position, item in enumerate(items, start=1):
        report, is_fatal = attempt(work, item)
        pass_on_words(parent)
        parent.report(report, is_last=is_fatal or position == len(items))
        if is_fatal:
            return
        if position < len(items) and time.monotonic() > give_back_at:
            parent.report(pickle.dumps(GaveBack()), is_last=True)
            return


def do_overlapping_batch(work: OverlappingWork[object, object], items: list[bytes], parent: ParentLine) -> None:
    """As `do_batch`, but an item is reported on when what it leaves is safe, and later ones are begun before that."""
    give_back_at = time.monotonic() + _OVERLAPPING_BUDGET_S
    tasks = [pickle.loads(item) for item in items]  # noqa: S301 - from the parent
    begun: deque[tuple[Callable[[], object], str]] = deque()
    for position, task in enumerate(tasks, start=1):
        work.look_ahead(tasks[position - 1 : position + _MOST_AHEAD])
        _wait(parent, partial(work.await_input, task))
        _tell(parent, Reached(len(begun), time.monotonic()))
        begun.append((_begun(work, task), take_words()))
        is_end = position == len(tasks)
        is_late = not is_end and time.monotonic() > give_back_at
        while len(begun) > (0 if is_end or is_late else _MOST_BEHIND):
            finish, words = begun.popleft()
            report, is_fatal = _wait(parent, partial(_report_of, finish))
            pass_on_words(parent, words)
            parent.report(report, is_last=is_fatal or (is_end and not begun))
            if is_fatal:
                return
        if is_late:
            parent.report(pickle.dumps(GaveBack()), is_last=True)
            return


def _begun(work: OverlappingWork[object, object], task: object) -> Callable[[], object]:
    """What waits for the result, or raises what went wrong."""
    try:
        return work.begin(task)
    except Exception as error:  # noqa: BLE001 - told when it is this item's turn
        return partial(_raise, error)


def _raise(error: Exception) -> NoReturn:
    raise error


def _wait(parent: ParentLine, until: Callable[[], T]) -> T:
    _tell(parent, Reached(0, math.inf))
    return until()


def _tell(parent: ParentLine, reached: Reached) -> None:
    parent.report(pickle.dumps(reached), is_last=False)


def pass_on_words(parent: ParentLine, words: str | None = None) -> None:
    """Report what came to standard error, by now or over the item that is reported on next."""
    words = take_words() if words is None else words
    if words:
        parent.report(pickle.dumps(Said(words)), is_last=False)


def take_words() -> str:
    """What came to standard error, a file that the parent made for it; begin a new page.

    Libraries in C write there and name no file; the parent knows which one was in hand.
    """
    if not os.fstat(_STANDARD_ERROR).st_size:
        return ""
    told = os.pread(_STANDARD_ERROR, _HEARD_BYTES, 0).decode("utf-8", "replace")
    os.ftruncate(_STANDARD_ERROR, 0)
    os.lseek(_STANDARD_ERROR, 0, os.SEEK_SET)
    return told


def attempt(work: Work, item: bytes) -> tuple[bytes, bool]:
    """Do one item; returns the pickled report and whether this worker is finished."""
    return _report_of(lambda: work(pickle.loads(item)))  # noqa: S301 - from the parent


def _report_of(done: Callable[[], object]) -> tuple[bytes, bool]:
    try:
        return _encode_result(done()), False
    except ImageError as error:
        # Decoders turn a MemoryError into an ImageError; a worker full of others' leaks may be to blame.
        if error.reason is RejectionReason.OUT_OF_MEMORY:
            return pickle.dumps(OutOfMemory(error.detail, error.facts)), True
        return pickle.dumps(Rejected(error.reason, error.detail, error.facts, time.monotonic())), False
    except MemoryError as error:
        return pickle.dumps(OutOfMemory(str(error) or "an allocation failed", {})), True
    except Exception as error:  # noqa: BLE001 - carried to the parent, which raises it
        return pickle.dumps(Raised(portable(error), _current_traceback())), True


def _encode_result(result: object) -> bytes:
    try:
        return pickle.dumps(Finished(result, time.monotonic()), protocol=pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        message = f"a worker cannot send back a {type(result).__qualname__}: {error}"
        raise TypeError(message) from error


def _current_traceback() -> str:
    import traceback  # only broken worlds pay for it

    return traceback.format_exc()


if __name__ == "__main__":
    main()
