"""What people said of pairs: the same photo or different ones, kept for good in append-only objects.

A decision is about photos, not files: whoever uploads the same bytes again inherits it. Only of two images with the
same bytes it parts one from the other.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Final, TypeVar

import polars as pl

from image_assets.errors import DecisionError, TableError, UnknownImageError
from image_assets.ids import ImageId
from image_assets.lake import object_keys
from image_assets.lake.last_word import Word, all_words, later_than
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.records import parsed_by, read_record, write_durable_record
from image_assets.steps.duplicates.canonicals import PhotoKey, PhotoPair
from image_assets.steps.images.short_ids import whole_id
from image_assets.tables.duplicates import DUPLICATE_IMAGES
from image_assets.tables.images import BRONZE_IMAGES

_REMEDY: Final = "repair it or delete it"


class PairVerdict(StrEnum):
    """What a person saw."""

    SAME = "same"
    DIFFERENT = "different"
    UNDO = "undo"
    """Took back the own last word on them."""


@dataclass(frozen=True, slots=True)
class PairDecision:
    """A person's word on two images.

    Attributes:
        first_id: the earlier image.
        first_sha256: its bytes.
        second_id: the later image.
        second_sha256: its bytes.
        since: day of the later image; the decision counts from that day on.
        verdict: what they are.
        decided_by: who says so.
        decided_at: when, in ISO 8601.
    """

    first_id: str
    first_sha256: str
    second_id: str
    second_sha256: str
    since: Annotated[str, parsed_by(date.fromisoformat)]
    verdict: Annotated[str, parsed_by(PairVerdict)]
    decided_by: str
    decided_at: str


@dataclass(frozen=True, slots=True)
class PairWord(PairDecision):
    """The same with what only people want to know: it decides no row.

    Attributes:
        decision_id: the sender's own name for it, which all pairs of a group share; sent again it is the same word.
        keeper_id: the image to keep, if the person said so.
    """

    decision_id: str | None = None
    keeper_id: str | None = None


_Shape = TypeVar("_Shape", bound=PairDecision)


@dataclass(frozen=True, slots=True)
class PairDecisions:
    """The latest decision on each pair, as photos.

    Attributes:
        apart: images that are no copy of the images with the same bytes.
        same: pairs of photos that a person joined.
        different: pairs of photos that a person separated.
        sha256_of: the bytes behind each photo named.
    """

    apart: frozenset[str]
    same: frozenset[PhotoPair]
    different: frozenset[PhotoPair]
    sha256_of: Mapping[PhotoKey, str]

    def photo_of(self, image_id: str, sha256: str) -> PhotoKey:
        """All images with the same bytes are one photo, but for those set apart."""
        return PhotoKey(image_id if image_id in self.apart else sha256)


def record_pair_decision(
    tables: ParquetTables,
    one: str,
    other: str,
    verdict: PairVerdict,
    decided_by: str,
    now: datetime,
    *,
    decision_id: str | None = None,
    keeper_id: str | None = None,
) -> PairWord:
    """Keep a decision about two images, named by ids or their beginnings; it counts as later than all before it.

    Raises:
        UnknownImageError: an image has no row in `duplicate_images`.
        AmbiguousImageError: several ids begin so.
        DecisionError: both are one, or there is nothing of one's own to take back.
    """
    first, second = _in_order(tables, [whole_id(tables, each) for each in (one, other)])
    said = _said(tables.store)
    on_pair = said.get(f"{first['image_id']}-{second['image_id']}", [])
    if decision_id and (former := _sent_before(tables.store, on_pair, decided_by, decision_id)):
        return former
    if verdict is PairVerdict.UNDO:
        standing = _standing(tables.store, on_pair, PairWord)
        if standing is None or standing.decided_by != decided_by:
            raise DecisionError(f"{one} and {other}: you have said nothing of them that could be taken back")
    # Decisions on several pairs of images may be about one pair of photos.
    last = max((word for words in said.values() for word in words), default=None)
    decided_at = later_than(last.said_at if last else None, now)
    decision = PairWord(
        first_id=str(first["image_id"]),
        first_sha256=str(first["sha256"]),
        second_id=str(second["image_id"]),
        second_sha256=str(second["sha256"]),
        since=str(second["day"]),
        verdict=verdict.value,
        decided_by=decided_by,
        decided_at=decided_at.isoformat(),
        decision_id=decision_id,
        keeper_id=keeper_id,
    )
    key = object_keys.pair_review_key(ImageId(decision.first_id), ImageId(decision.second_id), decided_at)
    write_durable_record(tables.store, key, decision)
    return decision


def undo_pair_decisions(
    tables: ParquetTables, decided_by: str, now: datetime, *, decision_id: str | None = None
) -> list[PairWord]:
    """Take back the last thing a person said, of all pairs of which it was said together.

    Raises:
        DecisionError: there is nothing to take back.
    """
    if decision_id and (former := _sent_undo(tables.store, decided_by, decision_id)):
        return former
    own = [each for each in read_pair_words(tables.store) if each.decided_by == decided_by]
    if not own:
        raise DecisionError(f"{decided_by} has said nothing of any pair that could be taken back")
    last = own[-1]
    together = [each for each in own if each is last or (last.decision_id and each.decision_id == last.decision_id)]
    return [
        record_pair_decision(
            tables, each.first_id, each.second_id, PairVerdict.UNDO, decided_by, now, decision_id=decision_id
        )
        for each in together
    ]


def read_pair_decisions(store: ObjectStore, until: date) -> list[PairDecision]:
    """The latest decision on every pair of images whose later one is of this day or an earlier one, in their order."""
    return [each for each in _read(store, PairDecision) if each.since <= f"{until}"]


def read_pair_words(store: ObjectStore) -> list[PairWord]:
    """The same of all days, with who keeps which image."""
    return _read(store, PairWord)


def find_void(tables: ParquetTables) -> list[PairWord]:
    """Decisions that say nothing any more: one of their images is compared with no other by now."""
    words = read_pair_words(tables.store)
    named = pl.Series([name for each in words for name in (each.first_id, each.second_id)], dtype=pl.String)
    if named.is_empty():
        return []
    where = pl.col("image_id").is_in(named.implode())
    there = {*tables.scan(DUPLICATE_IMAGES, ["image_id"], where=where)["image_id"]}
    return [each for each in words if not {each.first_id, each.second_id} <= there]


def _read(store: ObjectStore, shape: type[_Shape]) -> list[_Shape]:
    standing = [each for words in _said(store).values() if (each := _standing(store, words, shape))]
    return sorted(standing, key=lambda each: (datetime.fromisoformat(each.decided_at), each.first_id, each.second_id))


def _said(store: ObjectStore) -> Mapping[str, list[Word]]:
    """Everything that was said of each pair, in order."""
    said: defaultdict[str, list[Word]] = defaultdict(list)
    for pair, word in all_words(store, object_keys.PAIR_REVIEWS):
        said[pair].append(word)
    return {pair: sorted(words) for pair, words in said.items()}


def _standing(store: ObjectStore, words: Sequence[Word], shape: type[_Shape]) -> _Shape | None:
    """The last word that was not taken back."""
    undone = 0
    for word in reversed(words):
        each = read_record(store, word.key, shape, TableError, _REMEDY)
        if each.verdict == PairVerdict.UNDO:
            undone += 1
        elif undone:
            undone -= 1
        else:
            return each
    return None


def _sent_before(store: ObjectStore, words: Iterable[Word], person: str, decision_id: str) -> PairWord | None:
    said = (read_record(store, word.key, PairWord, TableError, _REMEDY) for word in words)
    return next((each for each in said if each.decided_by == person and each.decision_id == decision_id), None)


def _sent_undo(store: ObjectStore, person: str, decision_id: str) -> list[PairWord]:
    found = (_sent_before(store, words, person, decision_id) for words in _said(store).values())
    return [each for each in found if each]


def as_photos(decisions: Iterable[PairDecision]) -> PairDecisions:
    """Decisions on images, in their order, as those on photos; of two that contradict each other the later counts."""
    decisions = list(decisions)
    apart = frozenset(
        each.second_id
        for each in decisions
        if each.first_sha256 == each.second_sha256 and each.verdict == PairVerdict.DIFFERENT
    )
    named = PairDecisions(apart, frozenset(), frozenset(), {})
    verdicts: dict[PhotoPair, str] = {}
    sha256_of: dict[PhotoKey, str] = {}
    for each in decisions:
        first = named.photo_of(each.first_id, each.first_sha256)
        second = named.photo_of(each.second_id, each.second_sha256)
        sha256_of |= {first: each.first_sha256, second: each.second_sha256}
        verdicts[min(first, second), max(first, second)] = each.verdict
    by_verdict = {
        verdict: frozenset(pair for pair, said in verdicts.items() if said == verdict and pair[0] != pair[1])
        for verdict in PairVerdict
    }
    return PairDecisions(apart, by_verdict[PairVerdict.SAME], by_verdict[PairVerdict.DIFFERENT], sha256_of)


def _in_order(tables: ParquetTables, ids: Sequence[str]) -> list[dict[str, object]]:
    """The two images, the earlier first."""
    if len(set(ids)) < len(ids):
        raise DecisionError(f"{ids[0]} is one image: a decision needs two")
    where = pl.col("image_id").is_in(list(ids))
    found = tables.scan(DUPLICATE_IMAGES, ["image_id", "day"], where=where)
    for image_id in ids:
        if image_id not in found["image_id"]:
            raise UnknownImageError(f"{image_id} was never compared with others: give the id of an image; run its day")
    rows = tables.scan(BRONZE_IMAGES, ["image_id", "day", "uploaded_at", "sha256"], found["day"].unique(), where)
    return rows.sort("day", "uploaded_at", "image_id").to_dicts()
