"""What people said of pairs: the same photo or different ones, kept for good in append-only objects.

A decision is about photos, not files: whoever uploads the same bytes again inherits it. Only of two images with the
same bytes it parts one from the other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

import polars as pl

from image_assets.errors import DecisionError, TableError, UnknownImageError
from image_assets.ids import ImageId
from image_assets.lake import object_keys
from image_assets.lake.last_word import last_words, later_than
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.records import parsed_by, read_record, write_durable_record
from image_assets.steps.duplicates.canonicals import PhotoKey, PhotoPair
from image_assets.steps.images.short_ids import whole_id
from image_assets.tables.duplicates import DUPLICATE_IMAGES
from image_assets.tables.images import BRONZE_IMAGES


class PairVerdict(StrEnum):
    """What a person saw."""

    SAME = "same"
    DIFFERENT = "different"


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
    tables: ParquetTables, one: str, other: str, verdict: PairVerdict, decided_by: str, now: datetime
) -> PairDecision:
    """Keep a decision about two images, named by ids or their beginnings; it counts as later than all before it.

    Raises:
        UnknownImageError: an image has no row in `duplicate_images`.
        AmbiguousImageError: several ids begin so.
        DecisionError: both are one.
    """
    first, second = _in_order(tables, [whole_id(tables, each) for each in (one, other)])
    # Decisions on several pairs of images may be about one pair of photos.
    last = max(last_words(tables.store, object_keys.PAIR_REVIEWS).values(), default=None)
    decided_at = later_than(last.said_at if last else None, now)
    decision = PairDecision(
        first_id=str(first["image_id"]),
        first_sha256=str(first["sha256"]),
        second_id=str(second["image_id"]),
        second_sha256=str(second["sha256"]),
        since=str(second["day"]),
        verdict=verdict.value,
        decided_by=decided_by,
        decided_at=decided_at.isoformat(),
    )
    key = object_keys.pair_review_key(ImageId(decision.first_id), ImageId(decision.second_id), decided_at)
    write_durable_record(tables.store, key, decision)
    return decision


def read_pair_decisions(store: ObjectStore, until: date) -> list[PairDecision]:
    """The latest decision on every pair of images whose later one is of this day or an earlier one, in their order."""
    last = last_words(store, object_keys.PAIR_REVIEWS)
    remedy = "repair it or delete it"
    decisions = [read_record(store, word.key, PairDecision, TableError, remedy) for word in sorted(last.values())]
    return [each for each in decisions if each.since <= f"{until}"]


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
