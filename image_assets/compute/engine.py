"""Run a function over a stream of items and say of each what became of it."""

import os
import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

from image_assets.compute.backlog import Backlog
from image_assets.compute.crew import Crew
from image_assets.compute.inbox import Inbox
from image_assets.compute.outcomes import Done as Done
from image_assets.compute.outcomes import Failed as Failed
from image_assets.compute.outcomes import Item, Result
from image_assets.compute.outcomes import Outcome as Outcome
from image_assets.compute.overlapping import OverlappingWork
from image_assets.compute.process_stream import ProcessStream
from image_assets.compute.single_stream import SingleStream
from image_assets.errors import ConfigurationError, ImageError, RejectionReason


class Engine(Protocol):
    """Where work runs."""

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Outcome[Item, Result]]:
        """One outcome per item, in any order; items are pulled as they are needed, a few batches ahead.

        An `ImageError` raised by `work` becomes `Failed`, and so does MemoryError (out_of_memory). Any other
        exception is a broken world: it stops the stream and is raised here with its type.
        One stream at a time: finish or close it before the next.
        """
        ...

    def close(self) -> None:
        """Stop everything at once; may be called twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


class SerialEngine:
    """Works in this process, one item after the other: no isolation, no time limit, no memory limit."""

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Outcome[Item, Result]]:
        """See `Engine.map`."""
        for item in items:
            try:
                outcome: Outcome[Item, Result] = Done(item, work(item))
            except ImageError as error:
                outcome = Failed(item, error)
            except MemoryError as error:
                outcome = Failed(item, ImageError(RejectionReason.OUT_OF_MEMORY, str(error) or "an allocation failed"))
            yield outcome

    def close(self) -> None:
        """Nothing to stop."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


_LEAST_MEMORY_BYTES = 64 * 1024**2


_SETTINGS = {"workers": "IMAGE_ASSETS_WORKERS", "item_timeout_s": "IMAGE_ASSETS_IMAGE_TIMEOUT_S"}


def usable_cpus() -> int:
    """Processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class EngineParams:
    """How many workers, and what each may use.

    Attributes:
        workers: number of processes.
        item_timeout_s: an item that takes longer is rejected and its worker killed.
        worker_memory_bytes: private memory of one worker, libraries' data included; None for no limit.
        recycle_after_items: a worker is replaced after about so many items, because C libraries leak.
        batch_size: largest number of items in one message; fewer are sent when items are slow.
    """

    workers: int = field(default_factory=usable_cpus)
    item_timeout_s: float = 60.0
    worker_memory_bytes: int | None = 2 * 1024**3
    recycle_after_items: int = 5_000
    batch_size: int = 32

    def __post_init__(self) -> None:
        smallest = {"workers": 1, "item_timeout_s": 0.001, "recycle_after_items": 1, "batch_size": 1}
        for name, least in smallest.items():
            if getattr(self, name) < least:
                told = _SETTINGS.get(name, name)
                raise ConfigurationError(f"{told} is {getattr(self, name)}: set it to {least} or more")
        if self.worker_memory_bytes is not None and self.worker_memory_bytes < _LEAST_MEMORY_BYTES:
            found, least = (size // 2**20 for size in (self.worker_memory_bytes, _LEAST_MEMORY_BYTES))
            raise ConfigurationError(f"IMAGE_ASSETS_WORKER_MEMORY_MB is {found}: Python alone needs {least}")


class ProcessEngine:
    """Works in processes that may hang, die or exhaust memory and then cost one item only.

    Workers start on first use, stay for the next stream, and die with this process however it ends.
    """

    def __init__(self, params: EngineParams) -> None:
        self._params = params
        self._crew: Crew[Any] = Crew(params.workers, params.worker_memory_bytes, params.recycle_after_items)
        self._streams = SingleStream(self._crew)

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Outcome[Item, Result]]:
        """See `Engine.map`; ConfigurationError when workers cannot import `work` or cannot start."""
        size = self._params.batch_size
        is_overlapping = isinstance(work, OverlappingWork)
        backlog = Backlog(items, 4 * size, 4 * size) if is_overlapping else Backlog(items, size)
        return self._stream(pickle_work(work), backlog)

    def answer(self, work: Callable[[Item], Result], inbox: Inbox[Item]) -> Iterator[Outcome[Item, Result]]:
        """As `map`, of items that come while it goes on; it ends when the inbox is closed.

        Outcomes come as soon as they are known. What is in hand at the end costs its worker and has no outcome.
        """
        return self._stream(pickle_work(work), inbox)

    def close(self) -> None:
        """Kill the workers, busy or not."""
        self._streams.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _stream(self, work: bytes, backlog: Backlog[Item]) -> Iterator[Outcome[Item, Any]]:
        def begin() -> Iterator[Outcome[Item, Any]]:
            self._crew.take_up(work)
            return ProcessStream[Item, Any](self._crew, backlog, self._params.item_timeout_s).outcomes()

        return self._streams.read(begin)


def pickle_work(work: Callable[..., object]) -> bytes:
    """The function by its name, with what is bound to it; ConfigurationError when it has none."""
    try:
        pickled = pickle.dumps(work)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ConfigurationError(
            f"worker processes cannot import {work!r}: define it at the top level of a module"
        ) from error
    return pickled
