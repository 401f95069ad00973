"""What a worker and its parent say to each other; imported by every worker, so it imports next to nothing.

Reports come in the order of the items, so the n-th report is about the n-th item without naming it.
Instants are on the monotonic clock, which all processes of a machine share.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from image_assets.errors import RejectionReason


class Load(NamedTuple):
    """To a worker: make this pickled function the work."""

    work: bytes


class Batch(NamedTuple):
    """To a worker: do these pickled items, one after the other."""

    items: list[bytes]


class Loaded(NamedTuple):
    """The function is imported: items may come."""


class NotLoaded(NamedTuple):
    """The function cannot be imported in a worker, and this is why."""

    traceback: str


class Finished(NamedTuple):
    """The work returned."""

    result: object
    at: float


class Rejected(NamedTuple):
    """The work raised `ImageError`."""

    reason: RejectionReason
    detail: str
    facts: Mapping[str, object]
    at: float


class Said(NamedTuple):
    """What was written to standard error over the item whose report comes next; before any item, while loading."""

    text: str


class OutOfMemory(NamedTuple):
    """The work met the memory limit; the worker is no longer to be trusted."""

    detail: str
    facts: Mapping[str, object]


class Raised(NamedTuple):
    """The work raised anything else: a broken world."""

    error: Exception
    traceback: str


class GaveBack(NamedTuple):
    """The rest of the batch was not begun and will not be."""


class Reached(NamedTuple):
    """Items overlap: the processor works on that which is so many behind the one that is reported on next.

    `at` is infinite while it works on none and waits for a storage, whose patience has an end of its own.
    """

    ahead: int
    at: float


class Died(NamedTuple):
    """Not said but concluded: the line is cut, and this comes after the last words."""


Report: TypeAlias = Loaded | NotLoaded | Said | Finished | Rejected | OutOfMemory | Raised | GaveBack | Reached | Died
