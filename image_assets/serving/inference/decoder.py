"""Strangers' bytes become pixels in worker processes, where they may hang, crash or fill memory and cost themselves."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from itertools import count
from typing import Final, NamedTuple

from image_assets.compute.engine import EngineParams, ProcessEngine
from image_assets.compute.inbox import Inbox
from image_assets.compute.outcomes import Done, Outcome
from image_assets.imaging.decode import decode_within
from image_assets.imaging.inspect import InspectParams, inspect_image
from image_assets.imaging.pixels import Pixels, RgbImage
from image_assets.serving.inference.batcher import stopping

_log = logging.getLogger(__name__)
_PATIENCE_S: Final = 5.0


class Picture(NamedTuple):
    """A file, the number under which it was asked for, what is accepted, and who has asked."""

    number: int
    data: bytes
    limits: InspectParams
    caller: str = ""


def decode(picture: Picture, longest_side_px: int) -> Pixels:
    """What a worker does: hold the header against the limits, then decode no larger than is needed.

    Raises:
        ImageError: the file cannot be used.
    """
    inspect_image(picture.data, picture.limits)
    return decode_within(picture.data, longest_side_px)


class Decoder:
    """Workers, started by the first picture, and the thread that speaks to them."""

    def __init__(self, params: EngineParams, work: Callable[[Picture], Pixels]) -> None:
        self._params, self._work = params, work
        self._inbox: Inbox[Picture] = Inbox(lambda picture: picture.caller)
        self._numbers = count()
        self._asked: dict[int, Future[RgbImage]] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="decoding", daemon=True)
        self._is_closed = False

    def submit(self, data: bytes, limits: InspectParams, caller: str = "") -> Future[RgbImage]:
        """Pixels of a file, upright, within the longest side; `ImageError` of one that cannot be used.

        Callers have their turns: nobody waits for all the pictures of another. A cancelled one that waits is not begun.
        """
        answer: Future[RgbImage] = Future()
        picture = Picture(next(self._numbers), data, limits, caller)
        with self._lock:
            if self._is_closed:
                raise stopping()
            if self._thread.ident is None:
                self._thread.start()
            self._asked[picture.number] = answer
            self._inbox.put(picture)
        answer.add_done_callback(lambda done: self._forget(picture) if done.cancelled() else None)
        return answer

    def close(self) -> None:
        """Kill the workers, whatever they do; may be called twice."""
        with self._lock:
            self._is_closed = True
        self._inbox.close()
        if self._thread.is_alive():
            self._thread.join(_PATIENCE_S)
        self._fail_all(stopping())

    def _run(self) -> None:
        with ProcessEngine(self._params) as engine:
            while not self._is_closed:
                self._answer(engine)

    def _answer(self, engine: ProcessEngine) -> None:
        """Serve until it is closed, or until workers cannot work; whoever asked is told, and the next one tried."""
        try:
            for outcome in engine.answer(self._work, self._inbox):
                self._settle(outcome)
        except Exception as error:  # noqa: BLE001 - a thread that ends would leave everybody waiting for ever
            _log.exception("the decoding of pictures failed and begins anew")
            self._inbox.clear()
            self._fail_all(error)

    def _settle(self, outcome: Outcome[Picture, Pixels]) -> None:
        for line in outcome.said.splitlines():
            _log.warning("a decoder says: %s", line)
        answer = self._taken(outcome.item.number)
        if answer is None or not answer.set_running_or_notify_cancel():
            return
        if isinstance(outcome, Done):
            answer.set_result(outcome.result)
        else:
            answer.set_exception(outcome.error)

    def _fail_all(self, error: Exception) -> None:
        with self._lock:
            asked, self._asked = self._asked, {}
        for answer in asked.values():
            if answer.set_running_or_notify_cancel():
                answer.set_exception(error)

    def _forget(self, picture: Picture) -> None:
        self._taken(picture.number)
        self._inbox.withdraw(picture)

    def _taken(self, number: int) -> Future[RgbImage] | None:
        with self._lock:
            return self._asked.pop(number, None)
