"""Images on which people differ, until a third decides."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from image_assets.steps.classification.opinions import Opinion, OpinionLog
from image_assets.steps.classification.outcomes import outcomes_of


@dataclass(frozen=True, slots=True)
class Conflict:
    """An image on which people differ.

    Attributes:
        image_id: which.
        day: of its upload.
        label: what counts meanwhile.
        sides: who stands by which label.
        since: when the last of them spoke.
    """

    image_id: str
    day: date
    label: str
    sides: Mapping[str, str]
    since: datetime


def find_conflicts(log: OpinionLog, opinions: Iterable[Opinion]) -> list[Conflict]:
    """All of them, the oldest first.

    Args:
        log: where the opinions come from.
        opinions: in order.
    """
    said = list(opinions)
    last = {each.image_id: each.decided_at for each in said}
    found = [
        Conflict(image_id, log.day_of(image_id), outcome.label, outcome.sides, last[image_id])
        for image_id, outcome in outcomes_of(said).items()
        if outcome.is_conflict
    ]
    return sorted(found, key=lambda each: (each.since, each.image_id))
