"""Turns a function over single images, run by an engine, into the process of an increment."""

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import Protocol, TypeVar

from image_assets.compute.engine import Done, Engine, Failed
from image_assets.ids import ObjectKey
from image_assets.lake.object_store import ObjectStore
from image_assets.steps.increment.outcome import Item, Outcome, Process, TableValues
from image_assets.steps.increment.overlapping_objects import ObjectWork, OverlappingObjects

_log = logging.getLogger(__name__)


class Task(Protocol):
    """What is sent to a worker; plain and light, named by the input's key."""

    @property
    def key(self) -> str:
        """The input's key."""
        ...


TaskT = TypeVar("TaskT", bound=Task)


def on_objects(
    work: ObjectWork[TaskT], store: ObjectStore, keys_of: Callable[[TaskT], Sequence[ObjectKey]]
) -> Callable[[TaskT], TableValues]:
    """`work` on the objects of a store; where that is far away, those that `keys_of` names are read ahead."""
    return OverlappingObjects(work, store, keys_of) if store.is_far else partial(work, store=store)


def in_workers(engine: Engine, work: Callable[[TaskT], TableValues], task_of: Callable[[Item], TaskT]) -> Process:
    """Run `work` on each item's task; an `ImageError` becomes a rejection."""

    def process(items: Iterator[Item]) -> Generator[Outcome]:
        in_flight: dict[str, Item] = {}

        def tasks() -> Iterator[TaskT]:
            for item in items:
                task = task_of(item)
                in_flight[task.key] = item
                yield task

        for outcome in engine.map(work, tasks()):
            item = in_flight.pop(outcome.item.key)
            for line in outcome.said.splitlines():
                _log.warning("%s: a decoder says: %s", outcome.item.key, line)
            yield Done(item, outcome.result) if isinstance(outcome, Done) else Failed(item, outcome.error)

    return process
