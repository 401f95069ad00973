"""Turns a function over single images, run by an engine, into the process of an increment."""

import logging
from collections.abc import Callable, Generator, Iterator
from typing import Protocol, TypeVar

from image_assets.compute.engine import Engine, Failed
from image_assets.steps.increment.increment import Computed, Item, Outcome, Process, Rejected
from image_assets.steps.increment.outcome import Refused, TableValues

_log = logging.getLogger(__name__)


class Task(Protocol):
    """What is sent to a worker; plain and light, named by the input's key."""

    @property
    def key(self) -> str:
        """The input's key."""
        ...


TaskT = TypeVar("TaskT", bound=Task)


def in_workers(
    engine: Engine, work: Callable[[TaskT], TableValues | Refused], task_of: Callable[[Item], TaskT]
) -> Process:
    """Run `work` on each item's task; an `ImageError` and a refusal both become a rejection."""

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
            if isinstance(outcome, Failed):
                yield Rejected(item, outcome.error.reason, outcome.error.detail, {})
            elif isinstance(outcome.result, Refused):
                yield Rejected(item, outcome.result.reason, outcome.result.detail, outcome.result.facts)
            else:
                yield Computed(item, outcome.result)

    return process
