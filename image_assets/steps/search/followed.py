"""Something that is opened as it is at one moment and looked at again while it answers."""

import logging
import math
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Final, Generic, TypeVar

from image_assets.errors import ImageAssetsError

_log: Final = logging.getLogger(__name__)
_REST: Final = 4
_T = TypeVar("_T")


class FollowedState(StrEnum):
    """Whether there is something to answer with."""

    LOADING = "loading"
    OK = "ok"
    FAILED = "failed"


class Followed(Generic[_T]):
    """The last one that was opened; whoever asks for it after some time has somebody else look whether it changed.

    What went wrong while it was looked for is told to everyone who asks until it goes well.

    Args:
        look: opens what there is, given the former one, and returns that when nothing has changed.
        patience_s: how old the last look may be before there is another, but four times as long as that one took; 0:
            everyone looks, and waits for it.
        quiet_s: after so long without a look, whoever asks first looks himself: what he has waited for is there then.
    """

    def __init__(self, look: Callable[[_T | None], _T], patience_s: float, quiet_s: float = math.inf) -> None:
        self._look, self._patience_s, self._quiet_s = look, patience_s, quiet_s
        self._found: _T | None = None
        self._problem: ImageAssetsError | None = None
        self._looked_at = -float("inf")
        self.look_s = 0.0
        """How long the last look took."""
        self._looking = threading.Lock()

    @property
    def state(self) -> FollowedState:
        """What a probe is told."""
        if self._problem:
            return FollowedState.FAILED
        return FollowedState.OK if self._found is not None else FollowedState.LOADING

    @property
    def age_s(self) -> float:
        """Seconds since somebody looked whether anything has changed; infinite before anybody did."""
        return time.monotonic() - self._looked_at

    def current(self, *, anew: bool = False, within_s: float = math.inf) -> _T:
        """What there is; of this moment, when it is wanted `anew` or nothing is known yet.

        After a quiet time what is known is old: who asks for it `within_s` seconds waits for a look then.
        """
        if anew or self._patience_s <= 0:
            return self._look_now()
        if self.age_s > within_s:
            return self._look_now(unless_within_s=within_s)
        if self.age_s > self._quiet_s and self._looking.acquire(blocking=False):
            self._look_beside()
        elif self.age_s > max(self._patience_s, _REST * self.look_s):
            self.begin()
        found, problem = self._found, self._problem
        if problem:
            raise problem
        return self._look_now(unless_within_s=math.inf) if found is None else found

    def begin(self) -> None:
        """Have somebody look, unless somebody does."""
        if self._looking.acquire(blocking=False):
            threading.Thread(target=self._look_beside, name="follows-lake", daemon=True).start()

    def renew(self) -> None:
        """Have nobody answered with what was before this moment; where nothing can be opened, who asks next tries."""
        try:
            self.current(anew=True)
        except ImageAssetsError as error:
            _log.warning("what is searched cannot be opened anew: %s", error)
            self.forget()

    def forget(self) -> None:
        """Do not go by what was found."""
        self._found = None

    def _look_now(self, *, unless_within_s: float = -math.inf) -> _T:
        with self._looking:
            # Somebody may have looked while the lock was waited for.
            if self._found is not None and self.age_s <= unless_within_s and not self._problem:
                return self._found
            self._found = self._timed_look()
            self._looked_at, self._problem = time.monotonic(), None
            return self._found

    def _look_beside(self) -> None:
        try:
            self._found, self._problem = self._timed_look(), None
        except ImageAssetsError as error:
            _log.warning("what is searched cannot be opened anew: %s", error)
            self._problem = error
        finally:
            self._looked_at = time.monotonic()
            self._looking.release()

    def _timed_look(self) -> _T:
        began = time.monotonic()
        try:
            return self._look(self._found)
        finally:
            self.look_s = time.monotonic() - began
