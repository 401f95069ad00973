"""Small charts as paths of SVG: a slot of ten units for each value, the last one at the right."""

from collections.abc import Sequence
from typing import Final

SLOT: Final = 10
HEIGHT: Final = 48
_LEAST_SLOTS: Final = 14
_LEAST_BAR: Final = 1.0


def width_of(count: int) -> int:
    """Of a chart of so many values."""
    return SLOT * max(count, _LEAST_SLOTS)


def bars(values: Sequence[float | None], highest: float | None = None) -> str:
    """A bar for each value, from 0; what is more than nothing can be seen."""
    top = highest or max((each for each in values if each), default=0.0)
    return "".join(
        _bar(_left(number, len(values)), HEIGHT, max(_LEAST_BAR, HEIGHT * value / top))
        for number, value in enumerate(values)
        if value and top
    )


def stacked(series: Sequence[Sequence[int]]) -> list[str]:
    """A path for each series, the first one at the bottom; each series has a value for every slot."""
    totals = [sum(values) for values in zip(*series, strict=True)]
    top, below = max(totals, default=0), [0.0] * len(totals)
    paths = list[str]()
    for values in series:
        path = ""
        for number, value in enumerate(values):
            height = HEIGHT * value / top if top else 0.0
            if height:
                path += _bar(_left(number, len(values)), HEIGHT - below[number], height)
            below[number] += height
        paths.append(path)
    return paths


def ribbon(values: Sequence[tuple[float, float, float] | None]) -> tuple[str, str]:
    """The middle half of each slot as bars, and the medians as ticks; the scale begins where the lowest does."""
    known = [each for each in values if each]
    low, high = min((each[0] for each in known), default=0.0), max((each[2] for each in known), default=1.0)
    scale = (HEIGHT - 4) / (high - low or 1.0)
    boxes = ticks = ""
    for number, each in enumerate(values):
        if each:
            left, (bottom, middle, top) = (
                _left(number, len(values)),
                (HEIGHT - 2 - scale * (edge - low) for edge in each),
            )
            boxes += _bar(left, bottom, max(_LEAST_BAR, bottom - top))
            ticks += _bar(left, middle + 1, 2)
    return boxes, ticks


def _left(number: int, count: int) -> int:
    return width_of(count) - SLOT * (count - number)


def _bar(left: float, bottom: float, height: float) -> str:
    return f"M{left + 1:g} {round(bottom, 1):g}v{-round(height, 1):g}h{SLOT - 2}v{round(height, 1):g}z"
