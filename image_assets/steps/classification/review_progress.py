"""How far reviewing has come, and how often people and the model agree: from the decisions themselves."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from image_assets.steps.classification.opinions import Opinion, standing_words

_Z: Final = 1.959964
"""Of 95 % of a normal distribution."""
_HOUR: Final = timedelta(hours=1)
_TODAY: Final = timedelta(days=1)
_FEWEST, _SHORTEST = 3, timedelta(minutes=1)
"""What a pace is told from: of less it says nothing of the hour."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often people, who had not seen the model's answer, gave the same one.

    Attributes:
        agreed: how often.
        decided: out of how many images that were drawn at random.
        low: lower end of the 95 % interval of the share (Wilson, 1927).
        high: its upper end.
    """

    agreed: int
    decided: int
    low: float
    high: float

    @property
    def share(self) -> float | None:
        """Of the images on which both agreed; None before there is one."""
        return self.agreed / self.decided if self.decided else None


@dataclass(frozen=True, slots=True)
class ReviewProgress:
    """What a person has done, and all together.

    Attributes:
        done_today: images that the person decided or skipped since midnight, UTC.
        done_today_by_all: the same of everybody.
        per_hour: the person's pace within the last hour; None before three decisions and a minute.
        agreement: of everybody with the model.
    """

    done_today: int
    done_today_by_all: int
    per_hour: float | None
    agreement: Agreement


def progress_of(opinions: Iterable[Opinion], person: str, now: datetime) -> ReviewProgress:
    """How far it has come by what is said and not taken back."""
    said, day = list(opinions), now.astimezone(UTC).date()
    # What of an image stands is known from all that was said of it; of most nothing was said lately.
    asked = {each.image_id for each in said if each.is_audit or now - each.decided_at <= _TODAY}
    words = standing_words(each for each in said if each.image_id in asked)
    today = [each for each in words if each.decided_at.astimezone(UTC).date() == day]
    own = [each.decided_at for each in words if each.decided_by == person]
    return ReviewProgress(
        done_today=len({each.image_id for each in today if each.decided_by == person}),
        done_today_by_all=len({each.image_id for each in today}),
        per_hour=_pace([at for at in own if timedelta(0) <= now - at <= _HOUR]),
        agreement=_agreement(words),
    )


def wilson_interval(agreed: int, decided: int) -> tuple[float, float]:
    """The 95 % interval of a share: (0, 1) of nothing."""
    if not decided:
        return 0.0, 1.0
    share, spread = agreed / decided, _Z**2 / decided
    middle = share + spread / 2
    half = _Z * math.sqrt(share * (1 - share) / decided + spread / (4 * decided))
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))


def _pace(instants: Sequence[datetime]) -> float | None:
    passed = max(instants) - min(instants) if instants else timedelta(0)
    is_known = len(instants) >= _FEWEST and passed >= _SHORTEST
    return (len(instants) - 1) * (_HOUR / passed) if is_known else None


def _agreement(words: Sequence[Opinion]) -> Agreement:
    """Of several people who were given one image the first counts."""
    first = {each.image_id: each for each in reversed(words) if each.is_audit and each.shows}
    agreed = sum(each.label == each.predicted_label for each in first.values())
    return Agreement(agreed, len(first), *wilson_interval(agreed, len(first)))
