"""Which images a person is asked about next: it reads gold and decisions, no picture.

Conflicts of others come first, then what teaches the next model most: see `review_order`. Mixed with that is a share
of images of which the model was sure, drawn at random and given without its answer, which measure how often it is
right; as many others are given without an answer too, so that a missing answer does not give them away. Of near-copies
one is asked about.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

import polars as pl

from image_assets.ids import ImageId
from image_assets.lake.day_frames import DayFrames
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.classification.judged_images import JudgedImages
from image_assets.steps.classification.leases import (
    LEASE,
    Lease,
    live_leases,
    release_lease,
    renew_lease,
    take_lease,
)
from image_assets.steps.classification.opinions import OpinionLog
from image_assets.steps.classification.outcomes import Outcome
from image_assets.steps.classification.review_order import DOUBT, LOT, ReviewOrder
from image_assets.tables.gold import GOLD_IMAGES

_LOOKED_AT: Final = [
    *("image_id", "day", "canonical_id", "label", "label_source", "needs_review", "top_labels", "encoder", "state")
]
_SHOWN: Final = ["image_id", "predicted_label", "confidence_ratio", "top_labels", "model_version"]
# Of a day of a million images so many are enough to draw from.
_DRAWN_A_DAY: Final = 500


class Why(StrEnum):
    """Why a person is asked."""

    UNSURE = "unsure"
    """The model is, has said nothing, or may be: the images that measure it are said to be among these."""
    CONFLICT = "conflict"
    """Two others differ."""
    SECOND_OPINION = "second_opinion"
    """Another person has decided."""


@dataclass(frozen=True, slots=True)
class QueueParams:
    """How the queue is mixed.

    Attributes:
        audit_share: 0..0.5, of images that measure the model.
        second_opinions: whether images that one other person has decided are asked about, too.
    """

    audit_share: float = 0.05
    second_opinions: bool = False


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """An image that a person is asked about.

    Attributes:
        lease: until when it is the person's.
        why: why.
        answer: what the model says: predicted_label, confidence_ratio, top_labels, model_version; None if kept back.
    """

    lease: Lease
    why: Why
    answer: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An image that gold has."""

    image_id: ImageId
    day: date
    photo: str


@dataclass(frozen=True, slots=True)
class _Gold:
    """What of gold concerns the queue: unsure images and lots in their order, and the photo of each copy."""

    unsure: Sequence[_Candidate]
    lots: Sequence[_Candidate]
    photo_of: Mapping[str, str]


class ReviewQueue:
    """The queue of a lake; may be shared by threads."""

    def __init__(self, tables: ParquetTables, log: OpinionLog, clock: Callable[[], float] = time.monotonic) -> None:
        self._tables, self._log, self._judged = tables, log, JudgedImages(log)
        self._frames = DayFrames(tables, GOLD_IMAGES.name, _LOOKED_AT, _of_a_day, clock)
        self._read: tuple[pl.DataFrame, ...] = ()
        self._gold, self._order = _Gold((), (), {}), ReviewOrder(tables)
        self._reading = threading.Lock()

    def next_items(self, person: str, count: int, now: datetime, params: QueueParams) -> list[ReviewItem]:
        """Those that the person has already, for the whole time again, and new ones up to `count`."""
        judged, gold, store = self._judged.now(), self._look(), self._tables.store
        leases = live_leases(store, now)
        own = {image_id for image_id, each in judged.items() if person in each.words}
        mine = [each for each in leases if each.held_by == person and each.image_id not in own and not each.is_issue]
        why = {image_id: _why(each.outcome, person) for image_id, each in judged.items() if each.outcome}
        renewed = [kept for each in mine[:count] if (kept := renew_lease(store, each, now))]
        taken = [item.lease for item in self._given(renewed, why)]
        done = {gold.photo_of.get(image_id, image_id) for image_id in own | (why.keys() - _open(why, params))}
        busy = done | {each.photo for each in leases}
        first_lot = sum(judged[each].words[person] for each in own) + len(taken)
        for lease in self._offered(gold, _open(why, params), busy, person, now, params.audit_share, first_lot):
            if len(taken) >= count:
                break
            if lease.photo not in busy and take_lease(store, lease, now):
                busy.add(lease.photo)
                taken.append(lease)
        return self._given(taken, why)

    def count_left(self, person: str) -> int:
        """How many photos that the model is unsure of, or that others differ on, wait for the person."""
        judged, gold = self._judged.now(), self._look()
        own = {image_id for image_id, each in judged.items() if person in each.words}
        why = {image_id: _why(each.outcome, person) for image_id, each in judged.items() if each.outcome}
        conflicts = {image_id for image_id, each in why.items() if each is Why.CONFLICT}
        done = {gold.photo_of.get(each, each) for each in own | (why.keys() - conflicts)}
        unsure = {each.photo for each in gold.unsure} | {gold.photo_of.get(each, each) for each in conflicts}
        return len(unsure - done)

    def _offered(
        self,
        gold: _Gold,
        wanted: Collection[str],
        busy: Collection[str],
        person: str,
        now: datetime,
        share: float,
        first_lot: int,
    ) -> Iterator[Lease]:
        """Leases to try for, in order; whoever takes one draws the next lot."""

        def lease(each: _Candidate, *, is_blind: bool, is_audit: bool = False) -> Lease:
            return Lease(each.image_id, each.day, each.photo, person, now + LEASE, is_blind, is_audit)

        for image_id in sorted(wanted):
            day = self._log.day_of(image_id)
            yield lease(_Candidate(ImageId(image_id), day, gold.photo_of.get(image_id, image_id)), is_blind=True)
        lots = (each for each in gold.lots if each.photo not in busy)
        lot = first_lot
        for each in gold.unsure:
            if each.photo in busy:
                continue
            drawn = _draw(person, lot)
            if drawn < share and (audited := next(lots, None)):
                lot += 1
                yield lease(audited, is_blind=True, is_audit=True)
                drawn = _draw(person, lot)
            lot += 1
            yield lease(each, is_blind=drawn < 2 * share)

    def _given(self, leases: Sequence[Lease], why: Mapping[str, Why | None]) -> list[ReviewItem]:
        """The images of leases; what is blocked or erased by now is given back."""
        items = list(self._items(leases, why))
        shown = {item.lease.image_id for item in items}
        for each in leases:
            if each.image_id not in shown:
                release_lease(self._tables.store, each.image_id, each.held_by)
        return items

    def _items(self, leases: Sequence[Lease], why: Mapping[str, Why | None]) -> Iterator[ReviewItem]:
        """What gold says of the images; one that it has not or blocks is left out."""
        days = sorted({each.day for each in leases if self._tables.exists(GOLD_IMAGES, each.day)})
        if not days:
            return
        is_shown = pl.col("state").cast(pl.String) != "blocked"
        where = pl.col("image_id").is_in([each.image_id for each in leases]) & is_shown
        rows = {row.pop("image_id"): row for row in self._tables.scan(GOLD_IMAGES, _SHOWN, days, where).to_dicts()}
        for lease in leases:
            if lease.image_id in rows:
                answer = None if lease.is_blind else rows[lease.image_id]
                yield ReviewItem(lease, why.get(lease.image_id) or Why.UNSURE, answer)

    def _look(self) -> _Gold:
        """Gold as it was a second ago at most."""
        days = self._frames.all()
        with self._reading:
            if days is not self._read:
                self._gold, self._read = _gold_of(days, self._order), days
            return self._gold


_OF_A_DAY: Final = {
    "image_id": pl.String,
    "day": pl.Date,
    "photo": pl.String,
    "doubt": pl.Float32,
    "encoder": pl.String,
    "is_unsure": pl.Boolean,
    "is_decided": pl.Boolean,
    "is_drawn": pl.Boolean,
}


def _of_a_day(rows: pl.DataFrame) -> pl.DataFrame:
    """Of a day's images those that are unsure, drawn, or copies."""
    is_shown = pl.col("state").cast(pl.String) != "blocked"
    rows = rows.with_columns(photo=pl.coalesce("canonical_id", "image_id"), doubt=DOUBT)
    # Of an image that no model has judged nothing is known, unless it came with a label.
    rows = rows.with_columns(
        is_unsure=pl.col("needs_review").fill_null(pl.col("label").is_null()) & is_shown,
        is_sure=~pl.col("needs_review").fill_null(value=True) & is_shown,
        is_decided=(pl.col("label_source").cast(pl.String) == "human").fill_null(value=False),
    )
    rows = rows.with_columns(is_drawn=_some("is_sure", rows), is_decided=_some("is_decided", rows))
    is_wanted = pl.any_horizontal("is_unsure", "is_drawn", "is_decided") | (pl.col("photo") != pl.col("image_id"))
    return rows.filter(is_wanted).select(*_OF_A_DAY)


def _some(which: str, rows: pl.DataFrame) -> pl.Expr:
    """Whether an image is among a few of those of a kind, drawn by lot."""
    return pl.col("image_id").is_in(rows.filter(which).sort(LOT).head(_DRAWN_A_DAY).get_column("image_id").implode())


def _gold_of(days: Sequence[pl.DataFrame], order: ReviewOrder) -> _Gold:
    rows = pl.concat([pl.DataFrame(schema=_OF_A_DAY), *days])
    unsure = rows.filter("is_unsure").sort("doubt", "image_id", descending=[True, False], nulls_last=True)
    unsure = order.order(unsure.unique("photo", keep="first", maintain_order=True), rows.filter("is_decided"))
    lots = rows.filter("is_drawn").sort(LOT)
    copies = rows.filter(pl.col("photo") != pl.col("image_id")).select("image_id", "photo")
    return _Gold(_candidates(unsure), _candidates(lots), dict(copies.iter_rows()))


def _candidates(rows: pl.DataFrame) -> list[_Candidate]:
    named = rows.select("image_id", "day", "photo").unique("photo", keep="first", maintain_order=True)
    return [_Candidate(ImageId(image_id), day, photo) for image_id, day, photo in named.iter_rows()]


def _why(outcome: Outcome, person: str) -> Why | None:
    """Why a person can be asked about a decided image; None for no reason."""
    if person in outcome.sides:
        return None
    if outcome.is_conflict:
        return Why.CONFLICT
    return Why.SECOND_OPINION if len(outcome.sides) == 1 and not outcome.settled_by else None


def _open(why: Mapping[str, Why | None], params: QueueParams) -> set[str]:
    asked = {Why.CONFLICT, Why.SECOND_OPINION} if params.second_opinions else {Why.CONFLICT}
    return {image_id for image_id, each in why.items() if each in asked}


def _draw(person: str, lot: int) -> float:
    """0..1, the same for the same person and lot."""
    digest = hashlib.blake2b(f"{person}\n{lot}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
