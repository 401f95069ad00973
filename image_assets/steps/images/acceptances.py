"""Rejected files that a person takes all the same, because a limit was too strict for them; and takes that back.

An acceptance is about the bytes found at one place. Bronze then holds the file against limits that no person can lift:
what no decoder can open stays rejected.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Final

from image_assets.errors import DecisionError, ImageError, RejectionReason, TableError, UnknownImageError
from image_assets.ids import ObjectKey, SourceUri
from image_assets.imaging.announced import HEAD_BYTES, check_head
from image_assets.imaging.inspect import InspectParams, check_size
from image_assets.labels import normalise_name
from image_assets.lake import object_keys
from image_assets.lake.last_word import KeptWords, all_words, last_words, later_than
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.records import parsed_by, read_record, write_durable_record
from image_assets.steps.images.dismissals import RejectedFile
from image_assets.steps.images.short_ids import is_beginning, the_one

ACCEPTABLE: Final = frozenset(
    {
        RejectionReason.TOO_SMALL,
        RejectionReason.TOO_LARGE,
        RejectionReason.BAD_ASPECT,
        RejectionReason.TOO_MANY_PIXELS,
    }
)
"""Reasons that are a limit of the settings; a file that is no picture cannot be taken all the same."""
HARD_LIMITS: Final = InspectParams(max_bytes=1_000_000_000, min_side_px=1, max_aspect=1_000_000.0)
"""What an accepted file is held against."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A person's last word on whether a rejected file is taken all the same.

    Attributes:
        day: of the upload, in ISO 8601.
        subject: the bytes at the place; see `RejectedFile`.
        source_uri: the place.
        is_accepted: False takes it back.
        note: why.
        decided_by: who says so.
        decided_at: when, in ISO 8601.
    """

    day: Annotated[str, parsed_by(date.fromisoformat)]
    subject: str
    source_uri: str
    is_accepted: bool
    note: str
    decided_by: str
    decided_at: Annotated[str, parsed_by(datetime.fromisoformat)]


def accept_files(
    store: ObjectStore, files: Mapping[RejectedFile, str], decided_by: str, note: str, now: datetime
) -> KeptWords:
    """Keep that rejected files, each with its reason, are taken all the same, or keep nothing.

    Raises:
        DecisionError: of one of them no picture could be opened, it is beyond what can be decoded safely, or it is not
            there any more.
    """
    for file, reason in files.items():
        if reason not in ACCEPTABLE:
            takeable = ", ".join(sorted(ACCEPTABLE))
            raise DecisionError(f"{file.item} is {reason}: only what is {takeable} can be taken all the same")
        key = object_keys.key_of(SourceUri(file.source_uri))
        size_bytes = store.sizes([key]).get(key)
        if size_bytes is None:
            raise DecisionError(f"{file.item} has left the landing zone: upload it again")
        if not can_be_taken(reason, store.read_start(key, HEAD_BYTES), size_bytes):
            raise DecisionError(f"{file.item} is {reason} by more than can be decoded safely: it stays rejected")
    said = [(file.day, file.subject, file.source_uri) for file in files]
    return _keep(store, said, decided_by, note, now, is_accepted=True)


def can_be_taken(reason: str, head: bytes, size_bytes: int) -> bool:
    """Whether a file would be taken if a person accepted it, by its first `HEAD_BYTES`."""
    try:
        check_size(size_bytes, HARD_LIMITS)
        check_head(head, HARD_LIMITS)
    except ImageError:
        return False
    return reason in ACCEPTABLE


def withdraw_acceptances(
    store: ObjectStore, names: Iterable[str], decided_by: str, note: str, now: datetime, day: date | None = None
) -> KeptWords:
    """Keep that files, named by id or its beginning, path or name, are held against the settings' limits again.

    Raises:
        UnknownImageError: nobody has accepted a file that is called so.
        AmbiguousImageError: several ids begin so.
    """
    accepted = [each for each in read_acceptances(store, day).values() if each.is_accepted]
    found = {name: _called(accepted, name) for name in names}
    unknown = [name for name, fitting in found.items() if not fitting]
    if unknown:
        raise UnknownImageError(f"nobody has accepted {unknown[0]}: nothing was kept")
    words = dict.fromkeys(each for fitting in found.values() for each in fitting)
    said = [(date.fromisoformat(each.day), each.subject, each.source_uri) for each in words]
    return _keep(store, said, decided_by, note, now, is_accepted=False)


def read_acceptances(store: ObjectStore, day: date | None = None) -> Mapping[str, Acceptance]:
    """The last word on each file, of a day or of all, that anybody accepted, by its source.

    Raises:
        TableError: one cannot be read.
    """
    words = last_words(store, object_keys.acceptance_prefix(day) if day else object_keys.ACCEPTANCES)
    remedy = "repair it or delete it"
    records = (read_record(store, word.key, Acceptance, TableError, remedy) for word in sorted(words.values()))
    return {each.source_uri: each for each in records}


def acceptances_at(store: ObjectStore, day: date, source_uris: Container[str]) -> Iterator[ObjectKey]:
    """Every word on files at these places, whatever bytes they had."""
    for _, word in all_words(store, object_keys.acceptance_prefix(day)):
        if read_record(store, word.key, Acceptance, TableError, "repair it or delete it").source_uri in source_uris:
            yield word.key


def loosened(limits: InspectParams) -> InspectParams:
    """The limits of an accepted file: none is stricter than those of the settings."""
    return InspectParams(
        max_bytes=max(limits.max_bytes, HARD_LIMITS.max_bytes),
        max_pixels=max(limits.max_pixels, HARD_LIMITS.max_pixels),
        min_side_px=min(limits.min_side_px, HARD_LIMITS.min_side_px),
        max_aspect=max(limits.max_aspect, HARD_LIMITS.max_aspect),
    )


def _keep(
    store: ObjectStore,
    said: Iterable[tuple[date, str, str]],
    decided_by: str,
    note: str,
    now: datetime,
    *,
    is_accepted: bool,
) -> KeptWords:
    days, last_at = set[date](), now
    for day, subject, uri in said:
        last = last_words(store, object_keys.acceptance_prefix(day)).get(subject)
        at = later_than(last.said_at if last else None, now)
        word = Acceptance(day.isoformat(), subject, uri, is_accepted, note, decided_by, at.isoformat())
        write_durable_record(store, object_keys.acceptance_key(day, subject, at), word)
        days.add(day)
        last_at = max(last_at, at)
    return KeptWords(tuple(sorted(days)), last_at)


def _called(words: Sequence[Acceptance], name: str) -> list[Acceptance]:
    subject = the_one(name, (each.subject for each in words)) if is_beginning(name) else None
    return [each for each in words if each.subject == subject or _is_called(each, name)]


def _is_called(word: Acceptance, name: str) -> bool:
    path = normalise_name(object_keys.key_of(SourceUri(word.source_uri)))
    plain = normalise_name(name)
    return name in {word.subject, word.source_uri} or plain in {path, path.rpartition("/")[2]}
