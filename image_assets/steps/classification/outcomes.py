"""What comes of several people's words on one image: agreed, in conflict, or settled by a third; a pure function."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from image_assets.steps.classification.opinions import Opinion, Said, by_image


@dataclass(frozen=True, slots=True)
class Outcome:
    """What people together say that an image shows.

    Attributes:
        word: whose label counts; in a conflict the one that stood before.
        sides: who stands by which label.
        settled_by: who ended the last conflict.
    """

    word: Opinion
    sides: Mapping[str, str]
    settled_by: str | None = None

    @property
    def label(self) -> str:
        """What counts."""
        return self.word.label

    @property
    def is_conflict(self) -> bool:
        """Whether people differ, and no third has decided."""
        return len(set(self.sides.values())) > 1


def outcomes_of(opinions: Iterable[Opinion]) -> dict[str, Outcome]:
    """The outcome for every image of which somebody says what it shows."""
    found = {image_id: outcome_of(said) for image_id, said in by_image(opinions).items()}
    return {image_id: outcome for image_id, outcome in found.items() if outcome}


def outcome_of(said: Sequence[Said]) -> Outcome | None:
    """The outcome for one image, of its words in order.

    A person's newer word replaces the own older one. Where two people differ, only one who had said nothing before the
    conflict can end it: whoever was a part of it, or took back a word in it, stays one. A label of a release that kept
    only the last word overrules whatever such a release had kept.
    """
    outcome: Outcome | None = None
    parties: set[str] = set()
    for each in said:
        word = each.opinion
        if not word.shows:
            continue
        if not each.is_undone:
            outcome = _after(outcome, word, parties)
            parties.add(word.decided_by)
        elif outcome is None or not outcome.is_conflict:
            parties.add(word.decided_by)
    return outcome


def _after(before: Outcome | None, word: Opinion, parties: set[str]) -> Outcome:
    alone = {word.decided_by: word.label}
    if before is None or (word.kind is None and before.word.kind is None and not before.is_conflict):
        return Outcome(word, alone)
    sides = {**before.sides, **alone}
    if len(set(sides.values())) == 1:
        return Outcome(before.word if before.label == word.label else word, sides, before.settled_by)
    if before.is_conflict and word.decided_by not in parties:
        return Outcome(word, alone, settled_by=word.decided_by)
    return Outcome(before.word, sides, before.settled_by)
