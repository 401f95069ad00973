"""Accepting what the model says of many images at once: all that match, counted before, and taken back as one.

Each image gets a decision of its own, so that what comes of it, who said it and when is kept as for any other.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import polars as pl

from image_assets.errors import DecisionError
from image_assets.ids import ImageId
from image_assets.labels import normalise_label
from image_assets.lake.day_frames import DayFrames
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.classification.judged_images import JudgedImages
from image_assets.steps.classification.label_decisions import Decision, record_decisions
from image_assets.steps.classification.leases import live_leases
from image_assets.steps.classification.opinions import Kind, Opinion, OpinionLog, standing_words
from image_assets.tables.gold import GOLD_IMAGES

MOST_AT_ONCE: Final = 500
_READ: Final = ["image_id", "day", "canonical_id", "needs_review", "predicted_label", "confidence_ratio", "state"]
_TOGETHER: Final = 64


@dataclass(frozen=True, slots=True)
class Match:
    """Which answers of the model are meant.

    Attributes:
        predicted_label: what it says, in normal form.
        min_confidence: how sure it is at least, 0..1.
    """

    predicted_label: str
    min_confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Together:
    """What was decided as one: its images, and the days whose gold has it after their next run."""

    image_ids: Sequence[str]
    days: Sequence[date]


class JointAcceptance:
    """What of a lake can be accepted together; may be shared by threads."""

    def __init__(self, tables: ParquetTables, log: OpinionLog, clock: Callable[[], float] = time.monotonic) -> None:
        self._tables, self._log, self._judged = tables, log, JudgedImages(log)
        self._frames = DayFrames(tables, GOLD_IMAGES.name, _READ, _of_a_day, clock)

    def waiting(self) -> pl.DataFrame:
        """Photos that wait for a decision, by what the model says: `predicted_label`, `images`."""
        rows = self._undecided()
        return rows.group_by("predicted_label").agg(images=pl.len()).sort("predicted_label")

    def find(self, match: Match, now: datetime) -> list[ImageId]:
        """Images that wait for a decision and match, the least sure first; without those that somebody looks at."""
        held = pl.Series([each.photo for each in live_leases(self._tables.store, now)], dtype=pl.String)
        wanted = (
            (pl.col("predicted_label") == normalise_label(match.predicted_label))
            & (pl.col("confidence_ratio") >= match.min_confidence)
            & ~pl.col("photo").is_in(held.implode())
        )
        return [ImageId(each) for each in self._undecided().filter(wanted)["image_id"]]

    def accept(
        self,
        match: Match,
        count: int,
        batch_id: str,
        person: str,
        now: datetime,
        without: Collection[ImageId] = (),
    ) -> Together:
        """Accept all that match but those left out, if as many match as was told; sent again it is the same acceptance.

        Raises:
            DecisionError: another number matches by now, or too many do.
        """
        kept = [word.image_id for word in self._words(batch_id, person)]
        found = self.find(match, now)
        if len(found) + len(kept) != count:
            raise DecisionError(f"{len(found)} images match by now, not {count}: look again; nothing was accepted")
        if count > MOST_AT_ONCE:
            raise DecisionError(
                f"{count} images match, at most {MOST_AT_ONCE} are accepted at once: ask for surer ones"
            )
        accepted = [each for each in found if each not in without]
        told = [
            Decision(each, match.predicted_label, kind=Kind.ACCEPT, decision_id=f"{batch_id}.{each}")
            for each in accepted
        ]
        return Together([*kept, *accepted], self._record(told, person, now))

    def undo(self, batch_id: str, person: str, now: datetime) -> Together:
        """Take back what was accepted together, but for images that the person has said something of since."""
        last = {each.image_id: each for each in self._standing() if each.decided_by == person}
        ours = [each for each in self._words(batch_id, person) if last[each.image_id] is each]
        names = [each.image_id for each in ours]
        told = [Decision(each, kind=Kind.UNDO, decision_id=f"{batch_id}-back.{each}") for each in names]
        return Together(names, self._record(told, person, now))

    def kept(self, batch_id: str, person: str) -> int:
        """How many images still stand as they were accepted together."""
        return len(self._words(batch_id, person))

    def _record(self, decisions: Sequence[Decision], person: str, now: datetime) -> Sequence[date]:
        """Keep them, some at a time; the days of all."""
        days: set[date] = set()
        for start in range(0, len(decisions), _TOGETHER):
            some = decisions[start : start + _TOGETHER]
            days.update(record_decisions(self._tables, some, person, now, self._log).days)
        return sorted(days)

    def _standing(self) -> Sequence[Opinion]:
        return standing_words(self._log.all())

    def _words(self, batch_id: str, person: str) -> list[Opinion]:
        return [
            each
            for each in self._standing()
            if each.decided_by == person and (each.decision_id or "").startswith(f"{batch_id}.")
        ]

    def _undecided(self) -> pl.DataFrame:
        """One image of each photo of which nobody has said anything that stands."""
        rows = pl.concat([pl.DataFrame(schema=_OF_A_DAY), *self._frames.all()])
        said = pl.Series([name for name, each in self._judged.now().items() if each.words], dtype=pl.String)
        photos = rows.filter(pl.col("image_id").is_in(said.implode()))["photo"]
        is_decided = pl.col("photo").is_in(pl.concat([photos, said]).implode())
        return rows.filter(~is_decided).sort("confidence_ratio", "image_id").unique("photo", maintain_order=True)


_OF_A_DAY: Final[dict[str, Any]] = {
    "image_id": pl.String,
    "photo": pl.String,
    "predicted_label": pl.String,
    "confidence_ratio": pl.Float32,
}


def _of_a_day(rows: pl.DataFrame) -> pl.DataFrame:
    """Of a day's images those that the model asks about."""
    is_asked = pl.col("needs_review").fill_null(value=False) & (pl.col("state").cast(pl.String) != "blocked")
    rows = rows.with_columns(pl.col("predicted_label").cast(pl.String), photo=pl.coalesce("canonical_id", "image_id"))
    return rows.filter(is_asked & pl.col("predicted_label").is_not_null()).select(*_OF_A_DAY)
