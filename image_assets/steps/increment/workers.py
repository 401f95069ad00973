"""Turns a function over single images, run by an engine, into the process of an increment."""

import logging
from collections.abc import Callable, Generator, Iterator
from typing import Protocol, TypeVar

from image_assets.compute.engine import Done, Engine, Failed
from image_assets.steps.increment.outcome import Item, Outcome, Process, TableValues

_log = logging.getLogger(__name__)


class Task(Protocol):
    """What is sent to a worker; plain and light, named by the input's key."""

    @property
    def key(self) -> str:
        """The input's key."""
        ...


TaskT = TypeVar("TaskT", bound=Task)


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
