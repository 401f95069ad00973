"""Optimistic changes: read a version, work, write over that version only, and do it again when another was first."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from image_assets.errors import ObjectChangedError, StoreUnavailableError

_ATTEMPTS = 20
_LONGEST_PAUSE_S = 0.5
_T = TypeVar("_T")


def until_first(attempt: Callable[[], _T]) -> _T:
    """Repeat an attempt that another process got ahead of; each of its failures is the success of another.

    The pauses between are drawn at random from spans that double ("full jitter", AWS Architecture Blog, Exponential
    Backoff And Jitter): without them whoever is slower loses to the same others again and again.

    Raises:
        StoreUnavailableError: others were first every time.
    """
    for turn in range(_ATTEMPTS):
        try:
            return attempt()
        except ObjectChangedError as error:
            last = error
            time.sleep(random.uniform(0, min(_LONGEST_PAUSE_S, 0.001 * 2**turn)))
    raise StoreUnavailableError(f"{last}; others were first {_ATTEMPTS} times") from last
