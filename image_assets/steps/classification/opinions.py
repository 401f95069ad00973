"""What people said of images, word by word: append-only objects, so that nobody's word is lost by another's."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from image_assets.errors import ObjectNotFoundError, TableError
from image_assets.ids import ObjectKey
from image_assets.labels import normalise_label
from image_assets.lake import object_keys
from image_assets.lake.last_word import all_words
from image_assets.lake.object_keys import review_prefix
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.records import read_record

_LEAST_PAUSE_S: Final = 1.0
_PAUSES_A_LOOK: Final = 10


class Kind(StrEnum):
    """What a person did."""

    LABEL = "label"
    """Said what it shows."""
    ACCEPT = "accept"
    """Said that the model's answer is right."""
    SKIP = "skip"
    """Left it to others."""
    UNDO = "undo"
    """Took back the own last word on it."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """A person's word as it lies in the lake.

    Attributes:
        image_id: what it is about.
        label: what it shows, in its normal form; empty for one that says nothing of that.
        decided_at: when; later than every earlier word on the image.
        decided_by: who.
        kind: what was done; None for a label of a release that knew nothing else.
        decision_id: the sender's own name for it: the same name again is the same word.
        predicted_label: what the model said then; None when it had said nothing.
        confidence_ratio: how sure it was.
        model_version: which model.
        is_audit: whether the image was given at random and without the model's answer.
    """

    image_id: str
    label: str
    decided_at: datetime
    decided_by: str
    kind: Kind | None = None
    decision_id: str | None = None
    predicted_label: str | None = None
    confidence_ratio: float | None = None
    model_version: str | None = None
    is_audit: bool = False

    @property
    def shows(self) -> str | None:
        """The label that it is for, if it is for one."""
        return self.label or None


@dataclass(frozen=True, slots=True)
class Said:
    """A word, and whether its person took it back later."""

    opinion: Opinion
    is_undone: bool


class OpinionLog:
    """Every opinion of a lake, of which each is read once; may be shared by threads."""

    def __init__(self, store: ObjectStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock = store, clock
        self._read: dict[ObjectKey, Opinion] = {}
        self._recent: list[Opinion] = []
        self._look_again_at = float("-inf")
        self._looking = threading.Lock()

    def of_day(self, day: date) -> list[Opinion]:
        """Opinions on images of a day, as they are in this moment, in the order in which they were said."""
        with self._looking:
            return self._look(review_prefix(day))

    def all(self) -> list[Opinion]:
        """Opinions on all images, as they are in this moment."""
        with self._looking:
            return self._look_everywhere()

    def recent(self) -> list[Opinion]:
        """Opinions on all images as they were a moment ago: to look takes a tenth of the time at most."""
        with self._looking:
            return self._recent if self._clock() < self._look_again_at else self._look_everywhere()

    def forget_moment(self) -> None:
        """Have `recent` look again: something was said here."""
        self._look_again_at = float("-inf")

    def _look_everywhere(self) -> list[Opinion]:
        begun = self._clock()
        self._recent = self._look(object_keys.REVIEWS)
        ended = self._clock()
        self._look_again_at = ended + max(_LEAST_PAUSE_S, _PAUSES_A_LOOK * (ended - begun))
        return self._recent

    def _look(self, prefix: str) -> list[Opinion]:
        found = [word.key for word in sorted(word for _, word in all_words(self._store, prefix))]
        new = {key: opinion for key in found if key not in self._read and (opinion := _read(self._store, key))}
        # An erased image takes along what was said of it.
        there, below = set(found), f"{prefix}/"
        known = {key: each for key, each in self._read.items() if key in there or not key.startswith(below)}
        self._read = {**known, **new} if new or len(known) < len(self._read) else self._read
        return [self._read[key] for key in found if key in self._read]


def read_opinions(store: ObjectStore, day: date | None = None) -> list[Opinion]:
    """Everything that was said of the images of a day, or of all, in order; `TableError` when a word is damaged."""
    log = OpinionLog(store)
    return log.of_day(day) if day else log.all()


def by_image(opinions: Iterable[Opinion]) -> dict[str, list[Said]]:
    """What was said of each image, without what was sent twice and without the undoing itself."""
    said: defaultdict[str, list[Said]] = defaultdict(list)
    standing: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    heard: set[tuple[str, str, str]] = set()
    for each in opinions:
        name = each.image_id, each.decided_by, each.decision_id or ""
        if each.decision_id and name in heard:
            continue
        heard.add(name)
        own, words = standing[each.image_id, each.decided_by], said[each.image_id]
        if each.kind is Kind.UNDO:
            if own:
                last = own.pop()
                words[last] = replace(words[last], is_undone=True)
        else:
            own.append(len(words))
            words.append(Said(each, is_undone=False))
    return {image_id: words for image_id, words in said.items() if words}


def standing_words(opinions: Iterable[Opinion]) -> Sequence[Opinion]:
    """What was said and not taken back, in order."""
    words = [each.opinion for said in by_image(opinions).values() for each in said if not each.is_undone]
    return sorted(words, key=lambda each: each.decided_at)


def _read(store: ObjectStore, key: ObjectKey) -> Opinion | None:
    """Nothing when it has gone since it was listed, with its image."""
    with suppress(ObjectNotFoundError):
        opinion = read_record(store, key, Opinion, TableError, "repair it or delete it")
        return replace(opinion, label=normalise_label(opinion.label))
    return None
