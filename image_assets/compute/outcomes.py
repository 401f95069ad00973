"""What became of one item."""

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from image_assets.errors import ImageError

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Done(Generic[Item, Result]):
    """The work returned a result for the item.

    Attributes:
        item: what was worked on.
        result: what the work returned.
        said: what the libraries behind it wrote to standard error meanwhile.
    """

    item: Item
    result: Result
    said: str = ""


@dataclass(frozen=True, slots=True)
class Failed(Generic[Item]):
    """The item is bad, or it hung, killed or filled its worker; `said` as in `Done`."""

    item: Item
    error: ImageError
    said: str = ""


Outcome: TypeAlias = Done[Item, Result] | Failed[Item]
