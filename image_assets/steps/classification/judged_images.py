"""What people together say of every image, kept up to date: only images of which something new was said are judged."""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from image_assets.steps.classification.opinions import Opinion, OpinionLog, by_image
from image_assets.steps.classification.outcomes import Outcome, outcome_of


@dataclass(frozen=True, slots=True)
class JudgedImage:
    """An image of which something was said.

    Attributes:
        opinions: all of it, in order.
        outcome: what comes of it; None while nobody says what it shows.
        words: how many words of each person stand, those that skip it too.
    """

    opinions: tuple[Opinion, ...]
    outcome: Outcome | None
    words: Mapping[str, int]


class JudgedImages:
    """The judged images of a lake; may be shared by threads."""

    def __init__(self, log: OpinionLog) -> None:
        self._log = log
        self._judged: dict[str, JudgedImage] = {}
        self._judging = threading.Lock()

    def now(self) -> Mapping[str, JudgedImage]:
        """By image, as it was a moment ago; see `OpinionLog.recent`."""
        opinions = self._log.recent_by_image()
        with self._judging:
            known = self._judged
            self._judged = {
                image_id: former if (former := known.get(image_id)) and former.opinions is said else _judge(said)
                for image_id, said in opinions.items()
            }
            return self._judged


def _judge(opinions: tuple[Opinion, ...]) -> JudgedImage:
    (said,) = by_image(opinions).values() or ((),)
    words = Counter(each.opinion.decided_by for each in said if not each.is_undone)
    return JudgedImage(opinions, outcome_of(said), words)
