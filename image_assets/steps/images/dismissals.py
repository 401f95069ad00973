"""Rejected files that a person wants to hear no more of: kept for good, and taken back in the same way.

A dismissal is about what was found at one place: other bytes there are another file, which counts again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from image_assets.errors import TableError
from image_assets.ids import ImageId
from image_assets.lake import object_keys
from image_assets.lake.last_word import KeptWords, last_words, later_than
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.records import parsed_by, read_record, write_record
from image_assets.steps.increment.recipe import version_of


@dataclass(frozen=True, slots=True)
class RejectedFile:
    """A file that did not make it, by what names it.

    Attributes:
        day: the partition.
        item: see `rejected_images`.
        source_uri: where it was found.
        image_id: known once its bytes were read.
        input_version: of the file, where its bytes were never read.
    """

    day: date
    item: str
    source_uri: str
    image_id: ImageId | None
    input_version: str

    @property
    def subject(self) -> str:
        """What a dismissal is about: these bytes at this place."""
        return self.image_id or version_of(self.source_uri, self.input_version)


@dataclass(frozen=True, slots=True)
class Dismissal:
    """A person's last word on a rejected file.

    Attributes:
        image_id: of the file, where it is known.
        source_uri: where it was found.
        is_dismissed: whether it is to be passed over; False takes that back.
        note: why.
        decided_by: who says so.
        decided_at: when, in ISO 8601.
    """

    image_id: str | None
    source_uri: str
    is_dismissed: bool
    note: str
    decided_by: str
    decided_at: Annotated[str, parsed_by(datetime.fromisoformat)]


def record_dismissals(
    store: ObjectStore, files: Iterable[RejectedFile], decided_by: str, note: str, now: datetime, *, is_dismissed: bool
) -> KeptWords:
    """Keep that files are dismissed, or not any more; each word counts as later than all before it on its file."""
    by_day: dict[date, list[RejectedFile]] = {}
    for file in files:
        by_day.setdefault(file.day, []).append(file)
    last_at = now
    for day, rejected in by_day.items():
        last = last_words(store, object_keys.dismissal_prefix(day))
        for file in rejected:
            at = later_than(last[file.subject].said_at if file.subject in last else None, now)
            word = Dismissal(file.image_id, file.source_uri, is_dismissed, note, decided_by, at.isoformat())
            write_record(store, object_keys.dismissal_key(day, file.subject, at), word)
            last_at = max(last_at, at)
    store.flush()
    return KeptWords(tuple(sorted(by_day)), last_at)


def read_dismissals(store: ObjectStore, day: date) -> Mapping[str, Dismissal]:
    """The last word on each file of a day that anybody dismissed, by its subject.

    Raises:
        TableError: one cannot be read.
    """
    return {
        subject: read_record(store, word.key, Dismissal, TableError, "repair it or delete it")
        for subject, word in last_words(store, object_keys.dismissal_prefix(day)).items()
    }


def states_of(store: ObjectStore, day: date, files: Sequence[RejectedFile], gone: Iterable[RejectedFile]) -> list[str]:
    """Whether each file is open, gone or dismissed; a dismissed one stays so when it goes."""
    words, away = read_dismissals(store, day), set(gone)
    dismissed = {subject for subject, word in words.items() if word.is_dismissed}
    return ["dismissed" if file.subject in dismissed else "gone" if file in away else "open" for file in files]
