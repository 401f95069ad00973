"""What a day consists of: photos, oddities, copies and mishaps, decided before anything is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TypeAlias, TypeVar

import numpy as np

from image_assets.samples.filenames import ODD_FILENAMES, ODD_RAW_NAMES
from image_assets.samples.mishaps import MISHAPS, Mishap
from image_assets.samples.oddities import ODDITIES, Oddity

_ODDITY_SHARE, _REUPLOAD_SHARE, _NEAR_COPY_SHARE, _MISHAP_SHARE = 0.08, 0.05, 0.05, 0.06
_ODD_FILENAME_SHARE, _ODD_RAW_NAME_SHARE = 0.04, 0.025
_SAME_DAY_SHARE = 0.7

Card = TypeVar("Card")


@dataclass(frozen=True, slots=True)
class Photo:
    """A product photographed with the user's camera."""


@dataclass(frozen=True, slots=True)
class Copy:
    """An earlier photo once more.

    Attributes:
        is_exact: the same bytes; otherwise a near-copy.
        day: of the photo.
        index: of the photo within its day.
    """

    is_exact: bool
    day: date
    index: int


Content: TypeAlias = Photo | Copy | Oddity | Mishap
"""What a user uploads."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One upload of the day.

    Attributes:
        content: what is uploaded.
        odd_filename: a strange name that a file can bear, if any.
        odd_raw_name: a strange name that only a sidecar can carry, if any.
        has_broken_sidecar: its sidecar ends in the middle.
    """

    content: Content
    odd_filename: str | None = None
    odd_raw_name: str | None = None
    has_broken_sidecar: bool = False


_EXACT_COPY, _NEAR_COPY = "exact copy", "near copy"
_Row: TypeAlias = Photo | Oddity | Mishap | str


def plan_day(day: date, count: int, seed: int) -> tuple[Slot, ...]:
    """The day's uploads in order; they depend on nothing but the arguments.

    A copy repeats a photo from earlier on the same day or from the day before, generated or not.
    """
    rng = np.random.default_rng([seed, 1, day.toordinal()])
    rows = _layout(day, count, seed)
    slots = [Slot(_content(row, index, rows, day, seed, rng)) for index, row in enumerate(rows)]
    return tuple(_with_odd_names(slots, day, seed))


def deal(deck: Sequence[Card], count: int, day: date, seed: int) -> list[Card]:
    """The day's hand from an endless deck: days in a row get every card before one comes again."""
    shuffled = np.random.default_rng([seed, 2, len(deck)]).permutation(len(deck))
    first = day.toordinal() * count
    return [deck[shuffled[(first + place) % len(deck)]] for place in range(count)]


def _layout(day: date, count: int, seed: int) -> list[_Row]:
    rows: list[_Row] = [
        *deal(ODDITIES, round(count * _ODDITY_SHARE), day, seed),
        *deal(MISHAPS, round(count * _MISHAP_SHARE), day, seed),
        *[_EXACT_COPY] * round(count * _REUPLOAD_SHARE),
        *[_NEAR_COPY] * round(count * _NEAR_COPY_SHARE),
    ]
    rows += [Photo()] * (count - len(rows))
    order = np.random.default_rng([seed, 3, day.toordinal()]).permutation(len(rows))
    return [rows[place] for place in order]


def _content(row: _Row, index: int, rows: Sequence[_Row], day: date, seed: int, rng: np.random.Generator) -> Content:
    if not isinstance(row, str):
        return row
    origin_day, photos = day, _photo_places(rows[:index])
    if not photos or rng.random() > _SAME_DAY_SHARE:
        origin_day = day - timedelta(days=1)
        photos = _photo_places(_layout(origin_day, len(rows), seed))
    return Copy(row == _EXACT_COPY, origin_day, photos[int(rng.integers(len(photos)))])


def _photo_places(rows: Sequence[_Row]) -> list[int]:
    return [index for index, row in enumerate(rows) if isinstance(row, Photo)]


def _with_odd_names(slots: Sequence[Slot], day: date, seed: int) -> list[Slot]:
    """Some photos get a strange name; on every other day one gets a broken sidecar."""
    rng = np.random.default_rng([seed, 4, day.toordinal()])
    photos = rng.permutation(np.array([i for i, slot in enumerate(slots) if isinstance(slot.content, Photo)], int))
    # None twice: two files of one user could not both have it.
    odd = min(round(len(slots) * _ODD_FILENAME_SHARE), len(ODD_FILENAMES))
    filenames = deal(ODD_FILENAMES, odd, day, seed)
    raw_names = deal(ODD_RAW_NAMES, round(len(slots) * _ODD_RAW_NAME_SHARE), day, seed)
    broken = [True] * (day.toordinal() % 2)
    named, places = list(slots), iter(photos.tolist())
    for name, place in zip(filenames, places, strict=False):
        named[place] = replace(named[place], odd_filename=name)
    for name, place in zip(raw_names, places, strict=False):
        named[place] = replace(named[place], odd_raw_name=name)
    for is_broken, place in zip(broken, places, strict=False):
        named[place] = replace(named[place], has_broken_sidecar=is_broken)
    return named
