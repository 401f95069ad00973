"""Optimistic changes: read a version, work, write over that version only, and do it again when another was first."""

from collections.abc import Callable
from typing import TypeVar

from image_assets.errors import ObjectChangedError, StoreUnavailableError

_ATTEMPTS = 20
_T = TypeVar("_T")


def until_first(attempt: Callable[[], _T]) -> _T:
    """Repeat an attempt that another process got ahead of; each of its failures is the success of another.

    Raises:
        StoreUnavailableError: others were first every time.
    """
    for _ in range(_ATTEMPTS):
        try:
            return attempt()
        except ObjectChangedError as error:
            last = error
    raise StoreUnavailableError(f"{last}; others were first {_ATTEMPTS} times") from last
