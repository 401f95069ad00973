"""Many at once: all that match and no other, by their number, each a decision of its own, taken back as one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

from image_assets.errors import DecisionError
from image_assets.steps.classification.issue_queue import IssueQueue
from image_assets.steps.classification.joint_acceptance import JointAcceptance, Match
from image_assets.steps.classification.known_labels import KnownLabels
from image_assets.steps.classification.label_decisions import Decision, record_decisions
from image_assets.steps.classification.leases import LEASE, read_lease
from image_assets.steps.classification.opinions import Kind, OpinionLog, read_opinions, standing_words
from image_assets.steps.classification.review_queue import QueueParams, ReviewQueue
from image_assets.steps.classification.taken_back import hold_again
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.training import LABEL_ISSUES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

NOON = datetime(2026, 10, 2, 12, tzinfo=UTC)
HATS = Match("hat", 0.2)


@pytest.fixture
def asked(scenario: "Scenario", paint: Callable[..., bytes]) -> "Scenario":
    """Of 0 to 5 the model is ever surer that they are hats; 5 is a copy of 4; 6 came with a label, as a cap."""
    for number in range(6):
        scenario.land(f"anna/{number}.png", paint((number * 30, 90, 200 - number * 20), kind="PNG"))
    scenario.land("anna/6.png", paint("white", kind="PNG"), label="cap")
    scenario.run()
    gold = scenario.tables.read(GOLD_IMAGES, scenario.day).sort("raw_name")
    number = pl.int_range(pl.len())
    scenario.rewrite(
        GOLD_IMAGES,
        gold.with_columns(
            predicted_label=pl.lit("hat"),
            confidence_ratio=(number / 10).cast(pl.Float32),
            model_version=pl.lit("head-1"),
            needs_review=number < 6,
            canonical_id=pl.when(number == 5).then(pl.col("image_id").get(4)).otherwise("image_id"),
        ).sort("image_id"),
    )
    return scenario


def opened(scenario: "Scenario") -> JointAcceptance:
    """As another process would."""
    return JointAcceptance(scenario.tables, OpinionLog(scenario.store))


def names(scenario: "Scenario", found: list[str]) -> str:
    name_of = {row["image_id"]: str(row["raw_name"])[0] for row in scenario.rows(GOLD_IMAGES)}
    return "".join(name_of[each] for each in found)


def standing(scenario: "Scenario") -> str:
    return "".join(sorted(names(scenario, [each.image_id for each in standing_words(read_opinions(scenario.store))])))


def test_undecided_photos_match_once_each_but_for_those_in_somebodys_hands(asked: "Scenario") -> None:
    assert names(asked, [*opened(asked).find(HATS, NOON)]) == "234"
    assert [*opened(asked).find(Match("cap"), NOON)] == []
    record_decisions(asked.tables, [Decision("2.png", kind=Kind.SKIP)], "ann", NOON)
    ReviewQueue(asked.tables, OpinionLog(asked.store)).next_items("bob", 9, NOON, QueueParams(0.0))
    assert [*opened(asked).find(HATS, NOON)] == []
    assert names(asked, [*opened(asked).find(HATS, NOON + 2 * LEASE)]) == "34"


def test_all_are_accepted_if_there_are_as_many_as_was_said_and_once_however_often_it_is_sent(asked: "Scenario") -> None:
    with pytest.raises(DecisionError, match="3 images match by now, not 4"):
        opened(asked).accept(HATS, 4, "b-1", "ann", NOON)
    assert standing(asked) == ""
    for _ in range(2):
        done = opened(asked).accept(HATS, 3, "b-1", "ann", NOON)
        assert (len(done.image_ids), standing(asked)) == (3, "234")


def test_taking_all_back_leaves_what_was_said_since(asked: "Scenario") -> None:
    opened(asked).accept(HATS, 3, "b-1", "ann", NOON)
    record_decisions(asked.tables, [Decision("3.png", "cap")], "ann", NOON + timedelta(minutes=1))
    undone = opened(asked).undo("b-1", "ann", NOON + timedelta(minutes=2)).image_ids
    assert sorted(names(asked, [*undone])) == ["2", "4"]
    assert [each.label for each in standing_words(read_opinions(asked.store))] == ["hat", "cap"]
    assert opened(asked).undo("b-1", "bob", NOON).image_ids == []


def test_labels_keep_their_places_and_what_people_add_goes_to_the_end(asked: "Scenario") -> None:
    for minutes, label in enumerate(("zip", "apron", "zip")):
        decision = Decision(f"{minutes}.png", label)
        record_decisions(asked.tables, [decision], "ann", NOON + timedelta(minutes=minutes))
    known = KnownLabels(asked.tables, OpinionLog(asked.store)).all()
    assert [*known][-3:] == ["cap", "zip", "apron"]
    assert (known["zip"], known["apron"], known["cap"]) == (2, 1, 0)


def test_a_doubtful_label_is_asked_about_until_somebody_decides_and_by_one_at_a_time(asked: "Scenario") -> None:
    row = next(each for each in asked.rows(GOLD_IMAGES) if each["label"] == "cap")
    issue = {name: row[name] for name in ("image_id", "day", "label")}
    told = {"rank": 1, "kind": "noise", "suggested_label": "hat", "confidence_ratio": 0.9}
    schema = LABEL_ISSUES.schema.create_empty().schema
    asked.tables.replace(LABEL_ISSUES, None, pl.DataFrame([{**issue, **told}], schema=schema))

    def ask(who: str) -> list[tuple[str, str]]:
        found = IssueQueue(asked.tables, OpinionLog(asked.store)).next_items(who, 5, NOON)
        return [(each.label, each.suggested) for each in found]

    assert ask("ann") == [("cap", "hat")]
    assert ask("bob") == []
    queue = ReviewQueue(asked.tables, OpinionLog(asked.store))
    assert row["image_id"] not in [each.lease.image_id for each in queue.next_items("ann", 9, NOON, QueueParams(0.0))]
    record_decisions(asked.tables, [Decision("6.png", "cap")], "ann", NOON)
    assert ask("bob") == []


def test_who_takes_back_a_word_has_the_image_again_as_blindly_as_before(asked: "Scenario") -> None:
    queue = ReviewQueue(asked.tables, OpinionLog(asked.store))
    item = queue.next_items("ann", 1, NOON, QueueParams(audit_share=0.5))[0]
    image_id = item.lease.image_id
    for kind, label in ((Kind.LABEL, "cap"), (Kind.UNDO, "")):
        record_decisions(asked.tables, [Decision(image_id, label, kind=kind)], "ann", NOON)
    log = OpinionLog(asked.store)
    assert hold_again(asked.store, log, asked.day, image_id, "ann", NOON)
    lease = read_lease(asked.store, image_id)
    assert lease
    assert (lease.held_by, lease.is_blind) == ("ann", item.lease.is_blind)
    assert not hold_again(asked.store, log, asked.day, image_id, "bob", NOON)
