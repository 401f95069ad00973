"""The order in which people said things: a later word is the later one, whatever a clock says.

Each word is an object of its own. Its key ends with an instant, which is made later than that of every word before it
about the same subject, and with a mark, so that of two people who speak at once neither overwrites the other.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from image_assets.errors import TableError
from image_assets.ids import ObjectKey
from image_assets.lake.litter import is_litter
from image_assets.lake.object_store import ObjectStore

_KEY: Final = re.compile(r"(?P<subject>.+)-(?P<at>\d{8}T\d{12})(-(?P<mark>[0-9a-f]+))?\.json")
_INSTANT: Final = "%Y%m%dT%H%M%S%f"
_STEP: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, order=True)
class Word:
    """Something said: when, and under which key."""

    said_at: datetime
    key: ObjectKey


@dataclass(frozen=True, slots=True)
class KeptWords:
    """What became of words that were said together.

    Attributes:
        days: what they are about.
        last_at: the instant of the last one; later than the clock's where that is behind earlier words.
    """

    days: tuple[date, ...]
    last_at: datetime


def last_words(store: ObjectStore, prefix: str) -> Mapping[str, Word]:
    """The last word on each subject below a folder.

    Raises:
        TableError: an object is not named as a word is.
    """
    last: dict[str, Word] = {}
    for subject, word in all_words(store, prefix):
        last[subject] = max(word, last.get(subject, word))
    return last


def all_words(store: ObjectStore, prefix: str) -> Iterator[tuple[str, Word]]:
    """Every word below a folder with what it is about, in the order of the keys; `TableError` as of `word_of`."""
    return (word_of(store, info.key) for info in store.list(prefix) if not is_litter(info.key))


def word_of(store: ObjectStore, key: ObjectKey) -> tuple[str, Word]:
    """The word that a key means, with what it is about.

    Raises:
        TableError: the object is not named as a word is.
    """
    found = _KEY.fullmatch(key.rpartition("/")[2])
    if found is None:
        raise TableError(f"{store.uri(key)} is named as no decision is: move it elsewhere", key=key)
    return found["subject"], Word(datetime.strptime(found["at"], _INSTANT).replace(tzinfo=UTC), key)


def later_than(last: datetime | None, now: datetime) -> datetime:
    """The instant of a new word: now, or just after the last one where a clock was ahead or this one is behind."""
    return now if last is None else max(now, last + _STEP)
