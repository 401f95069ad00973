"""What people said of images, word by word: append-only objects, so that nobody's word is lost by another's."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from image_assets.errors import ObjectNotFoundError, TableError
from image_assets.ids import ObjectKey
from image_assets.labels import normalise_label
from image_assets.lake import object_keys
from image_assets.lake.last_word import Word, word_of
from image_assets.lake.litter import is_litter
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
        is_blind: whether it was given without the model's answer.
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
    is_blind: bool = False

    @property
    def shows(self) -> str | None:
        """The label that it is for, if it is for one."""
        return None if self.kind in {Kind.SKIP, Kind.UNDO} else self.label or None


@dataclass(frozen=True, slots=True)
class Said:
    """A word, and whether its person took it back later."""

    opinion: Opinion
    is_undone: bool


class OpinionLog:
    """Every opinion of a lake, of which each is read once; may be shared by threads."""

    def __init__(self, store: ObjectStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock = store, clock
        self._known: dict[Word, Opinion] = {}
        self._days: dict[str, date] = {}
        self._recent: tuple[Opinion, ...] = ()
        self._by_image: dict[str, tuple[Opinion, ...]] = {}
        self._look_again_at = float("-inf")
        self._looking = threading.Lock()

    def of_day(self, day: date) -> list[Opinion]:
        """Opinions on images of a day, as they are in this moment, in the order in which they were said."""
        with self._looking:
            return self._look(review_prefix(day))

    def all(self) -> list[Opinion]:
        """Opinions on all images, as they are in this moment."""
        with self._looking:
            return list(self._look_everywhere())

    def recent(self) -> tuple[Opinion, ...]:
        """Opinions on all images as they were a moment ago: to look takes a tenth of the time at most."""
        with self._looking:
            return self._recent if self._clock() < self._look_again_at else self._look_everywhere()

    def recent_by_image(self) -> Mapping[str, tuple[Opinion, ...]]:
        """The same by image: the same tuple while nothing new was said of an image."""
        self.recent()
        return self._by_image

    def day_of(self, image_id: str) -> date:
        """The day of an image on which somebody has an opinion."""
        return self._days[image_id]

    def note(self, opinions: Mapping[ObjectKey, Opinion]) -> None:
        """Opinions that were kept under these keys right now; `recent` has them at once."""
        with self._looking:
            self._know({Word(each.decided_at, key): each for key, each in opinions.items()})
            self._recent = (*self._recent, *opinions.values())
            by_image = dict(self._by_image)
            for each in opinions.values():
                by_image[each.image_id] = (*by_image.get(each.image_id, ()), each)
            self._by_image = by_image

    def _look_everywhere(self) -> tuple[Opinion, ...]:
        begun = self._clock()
        self._recent = tuple(self._look(object_keys.REVIEWS))
        said: defaultdict[str, list[Opinion]] = defaultdict(list)
        for each in self._recent:
            said[each.image_id].append(each)
        found = {image_id: tuple(words) for image_id, words in said.items()}
        known = self._by_image
        self._by_image = {each: known[each] if known.get(each) == words else words for each, words in found.items()}
        ended = self._clock()
        self._look_again_at = ended + max(_LEAST_PAUSE_S, _PAUSES_A_LOOK * (ended - begun))
        return self._recent

    def _look(self, prefix: str) -> list[Opinion]:
        below = f"{prefix}/"
        known = {word.key: word for word in self._known if word.key.startswith(below)}
        listed = [info.key for info in self._store.list(prefix) if not is_litter(info.key)]
        words = {key: known.get(key) or word_of(self._store, key)[1] for key in listed}
        new = {word: opinion for word in words.values() if word not in self._known and (opinion := self._read(word))}
        # An erased image takes along what was said of it.
        gone = {word for key, word in known.items() if key not in words}
        self._know(new)
        for word in gone:
            del self._known[word]
        return [self._known[word] for word in sorted(words.values()) if word in self._known]

    def _know(self, opinions: Mapping[Word, Opinion]) -> None:
        self._known.update(opinions)
        for word, each in opinions.items():
            self._days[each.image_id] = date.fromisoformat(word.key.split("/")[1])

    def _read(self, word: Word) -> Opinion | None:
        """Nothing when it has gone since it was listed, with its image."""
        with suppress(ObjectNotFoundError):
            opinion = read_record(self._store, word.key, Opinion, TableError, "repair it or delete it")
            return replace(opinion, label=normalise_label(opinion.label))
        return None


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
