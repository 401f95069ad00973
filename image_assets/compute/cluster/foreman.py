"""The actor that has the worker processes of one node: what an item may cost is limited and blamed there."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from image_assets.compute.cluster.messages import Parcel, Sealed, Tally, told
from image_assets.compute.cluster.versions import Versions, installed_versions
from image_assets.compute.engine import EngineParams, ProcessEngine
from image_assets.compute.inbox import Inbox
from image_assets.compute.outcomes import Outcome
from image_assets.compute.portable_errors import portable


class Foreman:
    """Runs a `ProcessEngine`; between calls its stream stays open and its workers go on with what they have."""

    def __init__(self, path: Sequence[str], params: EngineParams) -> None:
        """`path` is where the driver finds modules; what is not here does no harm."""
        sys.path += [entry for entry in path if entry not in sys.path]
        self._params = params
        self._engine = ProcessEngine(params)
        self._work = Sealed(0, b"")
        self._inbox: Inbox[Sealed] = Inbox()
        self._stream: Iterator[Outcome[Sealed, Any]] | None = None
        self._in_hand = 0

    def report_in(self) -> Versions:
        """See `Actor`."""
        return installed_versions()

    def begin(self, work: bytes) -> Tally:
        """See `Actor`; a worker that cannot import it says so when there are items."""
        tally = self.finish()
        self._work = Sealed(0, work)
        return tally

    def work_off(self, parcels: list[Parcel]) -> Tally:
        """Returns when a worker has taken up the last of them."""
        if self._stream is None:
            self._open_stream()
        for parcel in parcels:
            self._inbox.put(Sealed(*parcel))
        self._in_hand += len(parcels)
        return self._take_outcomes(lambda: self._inbox.waiting > 0)

    def finish(self) -> Tally:
        """See `Actor`; the workers stay for what is begun next."""
        tally = self._take_outcomes(lambda: True)
        self._inbox.close()
        for _ in self._stream or ():
            pass
        self._stream = None
        return tally

    def close(self) -> None:
        """End the workers."""
        self._engine.close()

    def _open_stream(self) -> None:
        # Whether the work overlaps is sealed as well; what does not, and is slow, is given back.
        self._inbox = Inbox(largest_batch=self._params.batch_size, smallest_batch=self._params.batch_size)
        work = cast("Callable[[Sealed], Any]", self._work)
        self._stream = self._engine.answer(work, self._inbox)

    def _take_outcomes(self, is_going_on: Callable[[], bool]) -> Tally:
        began, outcomes = time.monotonic(), []
        try:
            while self._stream and self._in_hand and is_going_on():
                outcome = next(self._stream)
                self._in_hand -= 1
                outcomes.append(told(outcome.item.number, outcome))
        except Exception as error:  # noqa: BLE001 - carried to the driver, which raises it
            self._stream, self._in_hand = None, 0
            return Tally([], time.monotonic() - began, portable(error))
        return Tally(outcomes, time.monotonic() - began)
