"""One stream at a time through those who work: what becomes of them when it ends, is left or is closed."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from image_assets.compute.outcomes import Item, Outcome


class Staff(Protocol):
    """Those who work."""

    def settle(self) -> None:
        """Stay for the next stream."""
        ...

    def disband(self) -> None:
        """Stop at once, whatever is in hand."""
        ...


class SingleStream:
    """Who reads a stream to its end leaves everybody ready for the next; who leaves it, or closes, ends them."""

    def __init__(self, staff: Staff) -> None:
        self._staff = staff
        self._is_streaming = False
        self._is_closed = False

    def read(self, begin: Callable[[], Iterator[Outcome[Item, Any]]]) -> Iterator[Outcome[Item, Any]]:
        """What `begin` streams, asked for when the first outcome is; RuntimeError when there is another stream."""
        if self._is_closed or self._is_streaming:
            raise RuntimeError("the engine is closed" if self._is_closed else "close the engine's other stream first")
        self._is_streaming = True
        is_finished = False
        try:
            for outcome in begin():
                yield outcome
                if self._is_closed:
                    raise RuntimeError("the engine was closed while its stream was being read")
            is_finished = True
        finally:
            self._is_streaming = False
            if is_finished:
                self._staff.settle()
            else:
                self._staff.disband()

    def close(self) -> None:
        """End everybody, busy or not, for good."""
        self._is_closed = True
        self._staff.disband()
