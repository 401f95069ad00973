"""How a step goes through many inputs, as far as whoever starts it decides."""

from collections.abc import Callable
from typing import NotRequired, TypeAlias, TypedDict

Progress: TypeAlias = Callable[[int, int], None]
"""Is told how many are done and how many there are to do."""


class Pace(TypedDict):
    """Keywords of every step of a day.

    Attributes:
        chunk_size: outcomes per checkpoint; bounds memory and the work that a kill can cost. A frame has none.
        on_progress: told the inputs finished and the inputs to do; nobody is, unless this is given.
    """

    chunk_size: int
    on_progress: NotRequired[Progress]


def untold(_done: int, _total: int) -> None:
    """Tell nobody."""
