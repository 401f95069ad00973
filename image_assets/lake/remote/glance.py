"""What a step has just been told of tables far away: who reads them again in the same moment waits for no answer."""

import time
from collections.abc import Callable
from typing import Final

from image_assets.ids import ObjectKey

_MOMENT_S: Final = 1.0
_TABLE: Final = ".parquet"


class Glance:
    """Versions of table files, each as the last answer had it; only answers of this moment count.

    A moment ends with each change by whoever looks: two who each leave a word and then look for the other's must not
    both miss it. It also ends with each question for a version, as what is read for a commit over that is no older,
    when a listing shows another version, and after a second. Threads may share it; another process has one of its own.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answers: dict[ObjectKey, tuple[str, float]] = {}
        self._since = float("-inf")

    def __reduce__(self) -> "tuple[type[Glance], tuple[()]]":
        return Glance, ()

    def now(self) -> float:
        """When a question is asked that is `answered` later."""
        return self._clock()

    def answered(self, key: ObjectKey, version: str, asked_at: float) -> None:
        """Take note of an answer; how old it is counts from the question."""
        if key.endswith(_TABLE):
            self._answers[key] = version, asked_at

    def is_current(self, key: ObjectKey, version: str) -> bool:
        """Whether this was the version a moment ago."""
        return self._known(key) == version

    def is_there(self, key: ObjectKey) -> bool:
        """Whether there was such a file a moment ago; of others than table files nothing is known."""
        return bool(self._known(key))

    def _known(self, key: ObjectKey) -> str:
        version, asked_at = self._answers.get(key, ("", float("-inf")))
        return version if asked_at > self._since and self._clock() - asked_at < _MOMENT_S else ""

    def listed(self, key: ObjectKey, version: str) -> None:
        """Compare with what a listing shows."""
        if key in self._answers and self._answers[key][0] != version:
            self.end()

    def end(self) -> None:
        """Nothing that was asked for until now counts."""
        self._since = self._clock()
        self._answers = {}
