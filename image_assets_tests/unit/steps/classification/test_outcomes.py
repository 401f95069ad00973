"""What comes of several people's words on one image: never the last one in silence."""

from datetime import UTC, datetime, timedelta

import pytest

from image_assets.steps.classification.opinions import Kind, Opinion
from image_assets.steps.classification.outcomes import Outcome, outcomes_of

NOON = datetime(2026, 10, 2, 12, tzinfo=UTC)
IMAGE = "one"


def outcome_of(*words: str) -> Outcome | None:
    """Of words such as `ann hat`, `ann skip`, `ann undo`, and `ann cap old` of a release that knew labels only."""
    opinions = []
    for minute, word in enumerate(words):
        who, what, *age = word.split()
        kind = {"skip": Kind.SKIP, "undo": Kind.UNDO}.get(what, None if age else Kind.LABEL)
        label = "" if kind in {Kind.SKIP, Kind.UNDO} else what
        opinions.append(Opinion(IMAGE, label, NOON + timedelta(minutes=minute), who, kind))
    return outcomes_of(opinions).get(IMAGE)


@pytest.mark.parametrize(
    ("words", "label", "is_conflict"),
    [
        ("ann hat", "hat", False),
        ("ann hat, ann cap", "cap", False),
        ("ann hat, bob hat", "hat", False),
        ("ann hat, bob cap", "hat", True),
        ("ann hat, bob cap, ann hat", "hat", True),
        ("ann hat, bob cap, ann fez", "hat", True),
        ("ann hat, bob cap, bob hat", "hat", False),
        ("ann hat, bob cap, ann cap", "cap", False),
        ("ann hat, bob hat, bob cap", "hat", True),
        ("ann hat, bob cap, cy cap", "cap", False),
        ("ann hat, bob cap, cy fez", "fez", False),
        ("ann hat, bob cap, cy fez, cy cap", "cap", False),
        ("ann hat, bob cap, cy fez, ann hat", "fez", True),
        ("ann hat, bob cap, cy fez, ann hat, bob hat", "fez", True),
        ("ann hat, bob cap, cy fez, ann hat, dan hat", "hat", False),
        ("ann hat, bob skip", "hat", False),
        ("ann hat, ann skip", "hat", False),
        ("ann hat, ann cap, ann undo", "hat", False),
        ("ann hat, bob cap, bob undo", "hat", False),
        ("ann hat, bob cap, ann undo", "cap", False),
        ("ann hat, bob cap, ann undo, ann hat", "cap", True),
        ("ann hat, bob cap, ann undo, cy fez, ann hat", "cap", True),
        ("ann hat, bob cap, cy fez, cy undo", "hat", True),
        ("ann hat, bob cap, cy fez, cy undo, cy cap", "cap", False),
        ("ann hat, ann skip, ann undo, ann undo, bob cap", "cap", False),
        ("ann hat old, bob cap old", "cap", False),
        ("ann hat old, bob cap old, ann fez old", "fez", False),
        ("ann hat old, bob cap old, ann hat", "cap", True),
        ("ann hat old, bob cap", "hat", True),
        ("ann hat old, ann cap", "cap", False),
    ],
    ids=str,
)
def test_what_people_say_together(words: str, label: str, is_conflict: bool) -> None:
    found = outcome_of(*words.split(", "))
    assert found
    assert (found.label, found.is_conflict) == (label, is_conflict)


@pytest.mark.parametrize("words", ["ann skip", "ann hat, ann undo", "ann undo"])
def test_who_says_nothing_of_the_label_decides_nothing(words: str) -> None:
    assert outcome_of(*words.split(", ")) is None


def test_both_names_of_a_conflict_and_the_third_are_told() -> None:
    before, after = outcome_of("ann hat", "bob cap"), outcome_of("ann hat", "bob cap", "cy cap")
    assert before is not None
    assert dict(before.sides) == {"ann": "hat", "bob": "cap"}
    assert after is not None
    assert after.settled_by == "cy"


def test_the_same_decision_sent_twice_is_one() -> None:
    words = [
        Opinion(IMAGE, "hat", NOON, "ann", Kind.LABEL, "a"),
        Opinion(IMAGE, "cap", NOON, "ann", Kind.LABEL, "b"),
        Opinion(IMAGE, "", NOON, "ann", Kind.UNDO, "c"),
        Opinion(IMAGE, "", NOON, "ann", Kind.UNDO, "c"),
    ]
    assert outcomes_of(words)[IMAGE].label == "hat"
