"""The actor that has a device, such as a GPU, to itself, and does batches in its own process."""

import os
import pickle
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from image_assets.compute.cluster.messages import Parcel, Tally, Told, told
from image_assets.compute.cluster.versions import Versions, installed_versions
from image_assets.compute.outcomes import Outcome
from image_assets.compute.portable_errors import portable

StreamWork: TypeAlias = Callable[[Iterator[Any]], Iterable[Outcome[Any, Any]]]
"""Has an outcome for each of the items, in any order."""


class DeviceActor:
    """Has no worker processes: who computes on a device is trusted with what it reads."""

    def __init__(self, path: Sequence[str], threads: int) -> None:
        """As a foreman's path; `threads` are those of a library that computes on the processor."""
        sys.path += [entry for entry in path if entry not in sys.path]
        # Ray says 1, for actors that ask for no processor.
        os.environ["OMP_NUM_THREADS"] = str(threads)
        self._work: StreamWork = _nothing

    def report_in(self) -> Versions:
        """See `Actor`."""
        return installed_versions()

    def begin(self, work: bytes) -> Tally:
        """See `Actor`."""
        return _tally(lambda: self._unpickle(work))

    def work_off(self, parcels: list[Parcel]) -> Tally:
        """Returns when all are done; what overlaps is another call, in a thread of its own."""
        return _tally(lambda: self._outcomes(parcels))

    def finish(self) -> Tally:
        """See `Actor`; nothing is left between calls."""
        return Tally([], 0.0)

    def _unpickle(self, work: bytes) -> list[Told]:
        self._work = pickle.loads(work)  # noqa: S301 - from the driver
        return []

    def _outcomes(self, parcels: list[Parcel]) -> list[Told]:
        items = [pickle.loads(data) for _, data in parcels]  # noqa: S301 - from the driver
        # Items may be equal, and are the same objects when they come back.
        numbers: defaultdict[int, list[int]] = defaultdict(list)
        for item, (number, _) in zip(items, parcels, strict=True):
            numbers[id(item)].append(number)
        return [told(numbers[id(outcome.item)].pop(), outcome) for outcome in self._work(iter(items))]


def _nothing(_items: Iterator[Any]) -> Iterable[Outcome[Any, Any]]:
    return ()


def _tally(work: Callable[[], list[Told]]) -> Tally:
    began = time.monotonic()
    try:
        return Tally(work(), time.monotonic() - began)
    except Exception as error:  # noqa: BLE001 - carried to the driver, which raises it
        return Tally([], time.monotonic() - began, portable(error))
