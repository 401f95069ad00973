"""Work that waits for answers from afar: what a batch needs is asked for ahead, what it leaves is waited for behind.

Imported by every worker, so it imports next to nothing.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar, runtime_checkable

ItemT = TypeVar("ItemT", contravariant=True)
ResultT = TypeVar("ResultT", covariant=True)


@runtime_checkable
class OverlappingWork(Protocol[ItemT, ResultT]):
    """Waits for many items at once, and works on one after the other.

    Whoever only calls it has one item done from the beginning to the end.
    """

    def look_ahead(self, items: Sequence[ItemT]) -> None:
        """Ask for what these items need, and for nothing else any more; whether it comes is told when it is used."""
        ...

    def await_input(self, item: ItemT) -> None:
        """Return when it is there, or known not to come."""
        ...

    def begin(self, item: ItemT) -> Callable[[], ResultT]:
        """Do what needs the processor; what is returned waits until all that the item leaves is safe."""
        ...

    def __call__(self, item: ItemT) -> ResultT:
        """See the class."""
        ...
