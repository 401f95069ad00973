"""A step's work on objects far away: reads go ahead of it, and writes are waited for when it is done."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from image_assets.ids import ObjectKey
from image_assets.lake.object_store import ANY_VERSION, ObjectStore, ReadsAndWrites
from image_assets.steps.increment.outcome import TableValues

_AT_ONCE = 48
"""What a worker has on its way: one object of each task ahead, and up to four that each task behind leaves."""

TaskT = TypeVar("TaskT")
WorkedT = TypeVar("WorkedT", contravariant=True)


class ObjectWork(Protocol[WorkedT]):
    """What a step does with one task, and with objects."""

    def __call__(self, task: WorkedT, *, store: ReadsAndWrites) -> TableValues:
        """Columns by table."""
        ...


@dataclass
class OverlappingObjects(Generic[TaskT]):
    """See `OverlappingWork`.

    Attributes:
        work: what is done.
        store: where the objects are.
        keys_of: the objects that a task needs, as far as is known beforehand.
    """

    work: ObjectWork[TaskT]
    store: ObjectStore
    keys_of: Callable[[TaskT], Sequence[ObjectKey]]
    _coming: dict[ObjectKey, "Future[bytes]"] = field(default_factory=dict, init=False)
    _threads: ThreadPoolExecutor | None = field(default=None, init=False)

    def look_ahead(self, items: Sequence[TaskT]) -> None:
        """What was asked for before and is wanted is on its way; of the rest only what has begun comes to its end."""
        keys = [key for task in items for key in self.keys_of(task)]
        for key in self._coming.keys() - set(keys):
            self._coming[key].cancel()
        self._coming = {key: self._coming.get(key) or self._pool.submit(self.store.read, key) for key in keys}

    def await_input(self, item: TaskT) -> None:
        """See `OverlappingWork`."""
        wait([self._coming[key] for key in self.keys_of(item) if key in self._coming])

    def begin(self, item: TaskT) -> Callable[[], TableValues]:
        """See `OverlappingWork`."""
        view = _View(self.store, self._coming, self._pool)
        values = self.work(item, store=view)

        def finish() -> TableValues:
            for future in view.going:
                future.result()
            return values

        return finish

    def __call__(self, item: TaskT) -> TableValues:
        """One item by itself; its writes go together."""
        return self.begin(item)()

    @property
    def _pool(self) -> ThreadPoolExecutor:
        """Of the process that works; whoever sends the work there has none."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="objects")
        return self._threads


@dataclass(frozen=True, slots=True)
class _View:
    """The store as one task sees it."""

    store: ObjectStore
    coming: dict[ObjectKey, "Future[bytes]"]
    pool: ThreadPoolExecutor
    going: "list[Future[None]]" = field(default_factory=list)

    def read(self, key: ObjectKey) -> bytes:
        """What was asked for ahead is handed out once."""
        asked = self.coming.pop(key, None)
        return asked.result() if asked else self.store.read(key)

    def write(self, key: ObjectKey, data: bytes, *, over: str | None = ANY_VERSION) -> None:
        """It is safe when the task has finished."""
        self.going.append(self.pool.submit(self.store.write, key, data, over=over))
