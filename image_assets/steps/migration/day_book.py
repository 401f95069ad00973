"""Which day takes a file: the one that it is of, or the next that has room."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from image_assets.errors import ConfigurationError

_NEXT: Final = timedelta(days=1)


class DayBook:
    """Counts the files of each day.

    Args:
        taken: how many each day has already.
        most: that a day takes.
        first: the first day of the lake; what is older is of that.
        last: the last day that has come.
    """

    def __init__(self, taken: Mapping[date, int], most: int, first: date, last: date) -> None:
        self._taken, self._most = Counter(taken), most
        self._first, self._last = first, last
        self._open: dict[date, date] = {}

    def enter(self, wanted: date) -> date:
        """Count a file; the day that takes it.

        Raises:
            ConfigurationError: the day has not come yet, or no day up to today has room.
        """
        if wanted > self._last:
            raise ConfigurationError(f"{wanted} has not come yet: choose a day up to {self._last}")
        wanted = max(wanted, self._first)
        day = self._open.get(wanted, wanted)
        while self._taken[day] >= self._most:
            day += _NEXT
        if day > self._last:
            raise ConfigurationError(
                f"no day from {wanted} to {self._last} has room for more than {self._most} files: choose earlier days "
                "(IMAGE_ASSETS_START_DAY, --date, --undated), or more files a day (--per-day)"
            )
        self._open[wanted] = day
        self._taken[day] += 1
        return day
