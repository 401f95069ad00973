"""One stream of items through the actors of a cluster: who gets what, and what happens to what a lost one had."""

import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any, Final, Generic, cast

import ray

from image_assets.compute.cluster.hire import Hire
from image_assets.compute.cluster.messages import Tally
from image_assets.compute.cluster.staff import Staff
from image_assets.compute.cluster.versions import refuse_others
from image_assets.compute.outcomes import Item, Outcome, Result

_PATIENCE_S: Final = 10.0
_SILENCE_S: Final = 60.0
"""After so long without anybody at work it is said that processors are waited for."""

_log = logging.getLogger(__name__)


class RemoteStream(Generic[Item, Result]):
    """Only what was told arrives: the items of a lost actor are done again, by others, and have one outcome each."""

    def __init__(self, staff: Staff, work: bytes, items: Iterable[Item]) -> None:
        self._staff = staff
        self._work = work
        self._numbers = count()
        self._source = zip(self._numbers, items, strict=False)
        self._returned: deque[tuple[int, Item]] = deque()
        self._is_at_end = False
        self._heard_at = time.monotonic()

    def outcomes(self) -> Iterator[Outcome[Item, Result]]:
        """Exactly one outcome per item, in order of completion."""
        for hire in self._staff.hires:
            hire.begin(self._work)
        while self._hand_out():
            yield from self._collect()

    def _hand_out(self) -> bool:
        """Give everybody what may be in their hands; False when nothing is left to do."""
        self._staff.fill_posts()
        for hire in self._staff.hires:
            while items := self._take(hire.appetite):
                hire.work_off(items)
            if self._is_at_end and hire.given and not hire.calls:
                hire.finish()
        return not self._is_at_end or any(hire.given for hire in self._staff.hires)

    def _take(self, size: int) -> dict[int, Item]:
        taken: dict[int, Item] = {}
        while len(taken) < size:
            number, item = self._returned.popleft() if self._returned else next(self._source, (None, None))
            if number is None:
                self._is_at_end = True
                break
            taken[number] = cast("Item", item)
        return taken

    def _collect(self) -> list[Outcome[Item, Result]]:
        """Wait until somebody answers or is lost; returns what became known."""
        asked = {call: hire for hire in self._staff.hires for call in hire.calls}
        answered, _ = ray.wait(list(asked), timeout=_PATIENCE_S)
        if not answered:
            self._tell_of_silence()
        return [outcome for call in answered for outcome in self._hear(call, asked[call])]

    def _hear(self, call: "ray.ObjectRef[Any]", hire: Hire[Any]) -> list[Outcome[Item, Result]]:
        hire.calls.remove(call)
        try:
            answer = ray.get(call)
        except ray.exceptions.RayTaskError:
            raise
        except ray.exceptions.RayError as error:
            self._replace(hire, error)
            return []
        if not isinstance(answer, Tally):
            refuse_others(answer, hire.post.node.address)
            hire.begin(self._work)
            return []
        return self._account(hire, answer)

    def _account(self, hire: Hire[Any], tally: Tally) -> list[Outcome[Item, Result]]:
        if tally.error:
            tally.error.add_note(f"On the node {hire.post.node.address}")
            raise tally.error
        hire.is_ready = True
        outcomes = [replace(outcome, item=hire.given[number]) for number, outcome in tally.outcomes]
        hire.take_note(tally)
        if outcomes:
            self._heard_at = time.monotonic()
            self._staff.praise()
        return outcomes

    def _replace(self, hire: Hire[Any], why: Exception) -> None:
        self._returned.extendleft(reversed(list(hire.given.items())))
        self._is_at_end = False
        self._staff.lose(hire, why)

    def _tell_of_silence(self) -> None:
        if time.monotonic() - self._heard_at > _SILENCE_S and not any(hire.given for hire in self._staff.hires):
            self._heard_at = time.monotonic()
            _log.warning("no node has processors to spare: other drivers have them, or their nodes do not answer")
