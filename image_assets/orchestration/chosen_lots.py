"""Which lots of its days a run is for: some of them, where several machines share a day."""

import re
from collections.abc import Mapping, Sequence

from image_assets.errors import ConfigurationError
from image_assets.lake.lots import Lot

LOTS_TAG = "image_assets/lots"
"""Tag of a run for some lots alone, by number: 3, or 0-7."""
_RANGE = re.compile(r"([0-9]{1,3})(?:-([0-9]{1,3}))?")


def chosen_lots(tags: Mapping[str, str], lots: Sequence[Lot]) -> Sequence[Lot]:
    """Those of a day that a run with these tags is for; all of them without the tag.

    Raises:
        ConfigurationError: the tag is no range, or the day has fewer lots.
    """
    if LOTS_TAG not in tags:
        return lots
    try:
        return lots_told(tags[LOTS_TAG], lots)
    except ValueError as error:
        raise ConfigurationError(f"{LOTS_TAG}: {error}") from error


def lots_told(told: str, lots: Sequence[Lot]) -> Sequence[Lot]:
    """Those of a day that a number or a range names; `ValueError` says what is wrong with that."""
    numbers = numbers_told(told)
    if numbers[-1] >= len(lots):
        has = f"has {len(lots)} lots, 0 to {lots[-1].number}" if len(lots) > 1 else "has one lot, 0"
        raise ValueError(f"{told}: the day {has} (IMAGE_ASSETS_LOTS says into how many a new day is cut at least)")
    return lots[numbers.start : numbers.stop]


def numbers_told(told: str) -> range:
    """The numbers of a range, of whatever day; `ValueError` for what is none."""
    found = _RANGE.fullmatch(told)
    numbers = range(int(found[1]), int(found[2] or found[1]) + 1) if found else range(0)
    if not numbers:
        raise ValueError(f"{told!r}: give a number or two in their order, as 3 or 0-7")
    return numbers
