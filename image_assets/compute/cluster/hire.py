"""One actor as the driver sees it: what it has in hand, what it was asked, how fast it is."""

import pickle
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar

import ray

from image_assets.compute.cluster.messages import Parcel, Tally
from image_assets.compute.cluster.posts import Post

Item = TypeVar("Item")

_TARGET_S = 0.5
"""A batch should take about this long: far above the cost of a call, far below what is missed when it is lost."""

_PACE_MEMORY = 0.5
_MOST_CALLS = 2


class Hire(Generic[Item]):
    """An actor at its post, and the items that it was given and has not told the outcome of.

    Attributes:
        calls: what it was asked and has not answered.
        is_ready: it knows its work.
    """

    def __init__(self, post: Post, path: Sequence[str]) -> None:
        self.post = post
        self.calls: list[ray.ObjectRef[Any]] = []
        self.is_ready = False
        self._actor = post.fill(path)
        self._given: dict[int, Item] = {}
        self._seconds_per_item: float | None = None
        self._ask("report_in")

    @property
    def given(self) -> Mapping[int, Item]:
        """Items by number."""
        return self._given

    @property
    def appetite(self) -> int:
        """How many items to send it now."""
        if not self.is_ready or len(self.calls) >= _MOST_CALLS:
            return 0
        return max(0, min(self._batch_size(), 2 * self.post.largest_batch - len(self._given)))

    def begin(self, work: bytes) -> None:
        """Have it do other work from now on."""
        self.is_ready = False
        self._ask("begin", work)

    def work_off(self, items: Mapping[int, Item]) -> None:
        """Send it items; TypeError when one cannot be pickled."""
        parcels = [_pack(number, item) for number, item in items.items()]
        self._given.update(items)
        self._ask("work_off", parcels)

    def finish(self) -> None:
        """Have it do what it has left."""
        self._ask("finish")

    def take_note(self, tally: Tally) -> None:
        """Take what is told of off its hands, and learn its pace."""
        for number, _ in tally.outcomes:
            del self._given[number]
        if tally.outcomes:
            seconds = tally.seconds * self.post.workers / len(tally.outcomes)
            past = seconds if self._seconds_per_item is None else self._seconds_per_item
            self._seconds_per_item = _PACE_MEMORY * past + (1 - _PACE_MEMORY) * seconds

    def dismiss(self) -> None:
        """End it, whatever it does; its worker processes end with it."""
        with suppress(ray.exceptions.RayError):
            ray.kill(self._actor)

    def _batch_size(self) -> int:
        post = self.post
        if self._seconds_per_item is None:
            return post.smallest_batch
        wanted = int(_TARGET_S * post.workers / max(self._seconds_per_item, 1e-6))
        return max(post.smallest_batch, min(post.largest_batch, wanted))

    def _ask(self, what: str, *told: object) -> None:
        self.calls.append(getattr(self._actor, what).remote(*told))


def _pack(number: int, item: object) -> Parcel:
    try:
        return number, pickle.dumps(item, protocol=pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        message = f"an item of type {type(item).__qualname__} cannot be sent to a worker: {error}"
        raise TypeError(message) from error
