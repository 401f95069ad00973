"""Which lots of its days a run is for: some of them, where several machines share a day."""

import re
from collections.abc import Mapping, Sequence

from image_assets.errors import ConfigurationError
from image_assets.lake.lots import Lot

LOTS_TAG = "image_assets/lots"
"""Tag of a run for some lots alone, by number: 3, or 0-7."""
_RANGE = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?")


def chosen_lots(tags: Mapping[str, str], lots: Sequence[Lot]) -> Sequence[Lot]:
    """Those of a day that a run with these tags is for; all of them without the tag.

    Raises:
        ConfigurationError: the tag is no range, or the day has none of its lots.
    """
    if LOTS_TAG not in tags:
        return lots
    found = _RANGE.fullmatch(tags[LOTS_TAG])
    if found is None:
        raise ConfigurationError(f"{LOTS_TAG} is {tags[LOTS_TAG]!r}: give a number or two, as 3 or 0-7")
    first, last = int(found[1]), int(found[2] or found[1])
    chosen = [lot for lot in lots if first <= lot.number <= last]
    if not chosen:
        told = f"{LOTS_TAG} is {tags[LOTS_TAG]}, and the day has the lots 0 to {lots[-1].number}"
        raise ConfigurationError(f"{told}: IMAGE_ASSETS_LOTS says into how many a new day is cut")
    return chosen
