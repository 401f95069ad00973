"""What an engine tells of an item ends in its row or in the log, with the item's key."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from image_assets.compute.engine import Done, Failed, Outcome, SerialEngine
from image_assets.errors import ImageError, RejectionReason
from image_assets.steps.increment.workers import in_workers


@dataclass(frozen=True)
class KeyedTask:
    key: str


class ChattyEngine(SerialEngine):
    """Works here, and says what a worker's libraries would have written."""

    def map(self, work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Outcome[Any, Any]]:
        for outcome in super().map(work, items):
            said = f"about {outcome.item.key}\n"
            yield (
                Done(outcome.item, outcome.result, said)
                if isinstance(outcome, Done)
                else Failed(outcome.item, outcome.error, said)
            )


def refuse_bad(task: KeyedTask) -> dict[str, Any]:
    if task.key == "bad":
        raise ImageError(RejectionReason.CORRUPT, "in words")
    return {}


def test_what_a_decoder_says_is_logged_with_the_key_of_its_item(caplog):
    with caplog.at_level(logging.WARNING):
        outcomes = list(in_workers(ChattyEngine(), refuse_bad, KeyedTask)(iter(["good", "bad"])))
    assert [type(outcome) for outcome in outcomes] == [Done, Failed]
    assert caplog.messages == ["good: a decoder says: about good", "bad: a decoder says: about bad"]
