"""Labels that no model believes, or that a near-copy contradicts, one after the other for a person to keep or change.

What people differ about is no part of it: see `conflicts`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import polars as pl

from image_assets.ids import ImageId
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.classification.judged_images import JudgedImages
from image_assets.steps.classification.leases import LEASE, Lease, live_leases, take_lease
from image_assets.steps.classification.opinions import OpinionLog
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.training import LABEL_ISSUES

_SETTLED_ELSEWHERE: Final = "disputed"


@dataclass(frozen=True, slots=True)
class IssueItem:
    """A label that a person is asked about again.

    Attributes:
        lease: until when it is the person's.
        kind: noise, what models trained on other images do not believe, or conflict, with a near-copy.
        label: what it came with.
        suggested: what it may be instead.
        confidence_ratio: how sure the models are; None where a near-copy says so.
    """

    lease: Lease
    kind: str
    label: str
    suggested: str
    confidence_ratio: float | None


class IssueQueue:
    """The doubtful labels of a lake; may be shared by threads."""

    def __init__(self, tables: ParquetTables, log: OpinionLog) -> None:
        self._tables, self._judged = tables, JudgedImages(log)

    def next_items(self, person: str, count: int, now: datetime) -> list[IssueItem]:
        """The most doubtful ones that nobody decided and nobody else looks at; the person's for five minutes."""
        held = {each.image_id: each for each in live_leases(self._tables.store, now)}
        taken: list[IssueItem] = []
        for row in self._open(person):
            if len(taken) >= count:
                break
            former = held.get(row["image_id"])
            lease = Lease(row["image_id"], row["day"], row["image_id"], person, now + LEASE, is_issue=True)
            is_free = former is None or former.held_by == person
            if is_free and take_lease(self._tables.store, lease, now):
                told = {name: row[name] for name in ("kind", "label", "confidence_ratio")}
                taken.append(IssueItem(lease, suggested=row["suggested_label"], **told))
        return taken

    def count_left(self, person: str) -> int:
        """How many nobody has decided and the person has not skipped."""
        return sum(1 for _ in self._open(person))

    def _open(self, person: str) -> Iterator[Mapping[str, Any]]:
        rows, judged = self._rows(), self._judged.now()
        for row in rows:
            said = judged.get(row["image_id"])
            if said is None or (said.outcome is None and person not in said.words):
                yield row

    def _rows(self) -> Sequence[Mapping[str, Any]]:
        """The committed ones, the most doubtful first; of images that may be shown."""
        if not self._tables.exists(LABEL_ISSUES, None):
            return []
        rows = self._tables.read(LABEL_ISSUES, None).with_columns(pl.col("kind").cast(pl.String))
        rows = rows.filter(pl.col("kind") != _SETTLED_ELSEWHERE).sort("rank").unique("image_id", maintain_order=True)
        days = [day for day in rows["day"].unique().sort() if self._tables.exists(GOLD_IMAGES, day)]
        if not days:
            return []
        is_shown = pl.col("image_id").is_in(rows["image_id"].implode()) & (pl.col("state").cast(pl.String) != "blocked")
        shown = self._tables.scan(GOLD_IMAGES, ["image_id", "state"], days, is_shown)
        rows = rows.join(shown.select("image_id"), on="image_id", how="semi", maintain_order="left")
        return [{**row, "image_id": ImageId(row["image_id"])} for row in rows.to_dicts()]
