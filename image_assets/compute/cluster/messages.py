"""What the driver and its actors say to each other; actors import it, so it knows nothing of Ray."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, TypeAlias

from image_assets.compute.cluster.versions import Versions
from image_assets.compute.outcomes import Outcome

Parcel: TypeAlias = tuple[int, bytes]
"""An item, pickled by the driver, and the number by which both speak of it."""

Told: TypeAlias = tuple[int, Outcome[Any, Any]]
"""What became of the item of this number, without the item itself."""


class Tally(NamedTuple):
    """What became of some items.

    Attributes:
        outcomes: of those that were given in this call or in an earlier one.
        seconds: how long the call took.
        error: why the world is broken, if it is; nothing that was given is worked on any more.
    """

    outcomes: list[Told]
    seconds: float
    error: Exception | None = None


class Actor(Protocol):
    """What the driver asks of an actor."""

    def report_in(self) -> Versions:
        """What is installed where it runs; the first call."""
        ...

    def begin(self, work: bytes) -> Tally:
        """Do this pickled work from now on; to be answered before there are items."""
        ...

    def work_off(self, parcels: list[Parcel]) -> Tally:
        """Do these too; those that are still being worked on when it returns come with a later tally."""
        ...

    def finish(self) -> Tally:
        """Do all that is left."""
        ...


@dataclass(frozen=True, slots=True)
class Sealed:
    """Something pickled that is passed on unopened: whoever unpickles this finds the thing itself."""

    number: int
    data: bytes

    def __reduce__(self) -> tuple[Callable[[bytes], object], tuple[bytes]]:
        return pickle.loads, (self.data,)


def told(number: int, outcome: Outcome[Any, Any]) -> Told:
    """The outcome as it travels."""
    return number, replace(outcome, item=None)
