"""What became of one item."""

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from image_assets.errors import ImageError

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Done(Generic[Item, Result]):
    """The work returned a result for the item."""

    item: Item
    result: Result


@dataclass(frozen=True, slots=True)
class Failed(Generic[Item]):
    """The item is bad, or it hung, killed or filled its worker."""

    item: Item
    error: ImageError


Outcome: TypeAlias = Done[Item, Result] | Failed[Item]
