"""Who is asked about what: the most doubtful first, some at random, nobody twice, and never two people at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

from image_assets.errors import DecisionError
from image_assets.steps.classification.label_decisions import Decision, record_decisions
from image_assets.steps.classification.leases import LEASE, read_lease, release_lease, take_lease
from image_assets.steps.classification.opinions import Kind, OpinionLog
from image_assets.steps.classification.review_progress import progress_of, wilson_interval
from image_assets.steps.classification.review_queue import QueueParams, ReviewItem, ReviewQueue, Why
from image_assets.tables.gold import GOLD_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]
NOON = datetime(2026, 10, 2, 12, tzinfo=UTC)
NO_AUDIT, ALL_AUDIT = QueueParams(audit_share=0.0), QueueParams(audit_share=1.0)


@pytest.fixture
def asked(scenario: "Scenario", paint: Paint) -> "Scenario":
    """Eight images in gold: of 0 to 3 the model is unsure, most of 0; 3 is a copy of 2; it is sure of 4 to 7."""
    for number in range(8):
        scenario.land(f"anna/{number}.png", paint((number * 30, 90, 200 - number * 20), kind="PNG"))
    scenario.run()
    gold = scenario.tables.read(GOLD_IMAGES, scenario.day).sort("raw_name")
    number = pl.int_range(pl.len())
    scenario.rewrite(
        GOLD_IMAGES,
        gold.with_columns(
            predicted_label=pl.lit("hat"),
            confidence_ratio=(number / 10).cast(pl.Float32),
            top_labels=pl.Series([_top(number) for number in range(8)], dtype=gold.schema["top_labels"]),
            model_version=pl.lit("head-1"),
            needs_review=number < 4,
            canonical_id=pl.when(number == 3).then(pl.col("image_id").get(2)).otherwise("image_id"),
        ).sort("image_id"),
    )
    return scenario


def _top(number: int) -> list[dict[str, object]]:
    """Two labels that are the further apart the larger the number is."""
    chances = {"hat": 1 - 0.5 * 0.2**number, "cap": 0.5 * 0.2**number}
    return [{"label": label, "confidence_ratio": chance} for label, chance in chances.items()]


def open_queue(scenario: "Scenario") -> ReviewQueue:
    """As another process would."""
    return ReviewQueue(scenario.tables, OpinionLog(scenario.store))


def names(scenario: "Scenario", items: Sequence[ReviewItem]) -> list[str]:
    name_of = {row["image_id"]: str(row["raw_name"])[0] for row in scenario.rows(GOLD_IMAGES)}
    return [name_of[each.lease.image_id] for each in items]


def ask(scenario: "Scenario", person: str, count: int = 9, params: QueueParams = NO_AUDIT, minutes: int = 0) -> str:
    now = NOON + timedelta(minutes=minutes)
    return "".join(names(scenario, open_queue(scenario).next_items(person, count, now, params)))


def decide(scenario: "Scenario", person: str, number: int, label: str, kind: Kind = Kind.LABEL) -> None:
    record_decisions(scenario.tables, [Decision(f"{number}.png", label, kind=kind)], person, NOON)


def test_the_most_doubtful_comes_first_and_of_near_copies_one(asked: "Scenario") -> None:
    assert ask(asked, "ann") == "012"


def test_nobody_gets_what_another_looks_at_until_the_lease_ends(asked: "Scenario") -> None:
    assert ask(asked, "ann", 2) == "01"
    assert ask(asked, "bob") == "2"
    assert ask(asked, "cy") == ""
    assert ask(asked, "cy", minutes=5) == "012"


def test_who_asks_again_keeps_the_images_for_longer(asked: "Scenario") -> None:
    assert ask(asked, "ann", 1) == "0"
    assert ask(asked, "ann", 1, minutes=4) == "0"
    assert ask(asked, "bob", minutes=6) == "12"


def test_of_many_who_reach_for_an_image_at_once_one_gets_it(asked: "Scenario") -> None:
    lease = open_queue(asked).next_items("ann", 1, NOON, NO_AUDIT)[0].lease
    release_lease(asked.store, lease.image_id, "ann")
    people = [f"person-{number}" for number in range(8)]
    with ThreadPoolExecutor(len(people)) as pool:
        got = list(pool.map(lambda who: take_lease(asked.store, replace(lease, held_by=who), NOON), people))
    assert sum(got) == 1
    held = read_lease(asked.store, lease.image_id)
    assert held is not None
    assert held.held_by == people[got.index(True)]


def test_nobody_gives_back_what_another_holds(asked: "Scenario") -> None:
    assert ask(asked, "ann", 1) == "0"
    decide(asked, "bob", 0, "hat")
    assert len(list(asked.store.list("leases"))) == 1


def test_a_decision_gives_the_image_back_and_no_other_is_asked(asked: "Scenario") -> None:
    ask(asked, "ann", 1)
    decide(asked, "ann", 0, "hat")
    assert not list(asked.store.list("leases"))
    assert ask(asked, "bob") == "12"


def test_what_one_skips_is_for_others(asked: "Scenario") -> None:
    decide(asked, "ann", 0, "", Kind.SKIP)
    assert ask(asked, "ann", 2) == "12"
    assert ask(asked, "bob") == "0"


def test_a_copy_of_a_decided_photo_is_not_asked_about(asked: "Scenario") -> None:
    decide(asked, "ann", 2, "hat")
    assert ask(asked, "bob") == "01"


def test_a_conflict_comes_first_and_only_for_others_than_the_two(asked: "Scenario") -> None:
    decide(asked, "ann", 1, "hat")
    decide(asked, "bob", 1, "cap")
    assert ask(asked, "ann", 1) == "0"
    assert ask(asked, "bob", 1) == "2"
    (item,) = open_queue(asked).next_items("cy", 1, NOON, NO_AUDIT)
    assert names(asked, [item]) == ["1"]
    assert (item.why, item.answer) == (Why.CONFLICT, None)
    decide(asked, "cy", 1, "fez")
    assert ask(asked, "dan") == ""


def test_a_second_opinion_is_asked_for_where_wanted(asked: "Scenario") -> None:
    decide(asked, "ann", 1, "hat")
    assert ask(asked, "bob", params=QueueParams(0.0, second_opinions=True)) == "102"
    assert ask(asked, "ann", params=QueueParams(0.0, second_opinions=True), minutes=6) == "02"


def test_images_that_measure_the_model_are_not_told_apart_and_their_answer_is_kept_back(asked: "Scenario") -> None:
    items = open_queue(asked).next_items("ann", 2, NOON, ALL_AUDIT)
    assert [each.lease.is_audit for each in items] == [True, False]
    assert {(each.why, each.answer) for each in items} == {(Why.UNSURE, None)}


def test_the_share_of_audits_is_about_what_was_asked_for_and_the_same_when_asked_again(asked: "Scenario") -> None:
    from image_assets.steps.classification.review_queue import _draw

    audited = sum(_draw("ann", lot) < 0.05 for lot in range(10_000))
    assert 400 < audited < 600
    assert _draw("ann", 7) == _draw("ann", 7) != _draw("bob", 7)


def test_what_was_given_without_an_answer_cannot_be_accepted(asked: "Scenario") -> None:
    audit, _ = open_queue(asked).next_items("ann", 2, NOON, ALL_AUDIT)
    accept = Decision(audit.lease.image_id, kind=Kind.ACCEPT)
    with pytest.raises(DecisionError, match="without the model's answer"):
        record_decisions(asked.tables, [accept], "ann", NOON)
    assert record_decisions(asked.tables, [accept], "bob", NOON).opinions[0].label == "hat"


def test_agreement_is_measured_on_audits_alone_and_has_an_interval(asked: "Scenario") -> None:
    audit, other = open_queue(asked).next_items("ann", 2, NOON, ALL_AUDIT)
    for each, label in ((audit, "Hat"), (other, "cap")):
        record_decisions(asked.tables, [Decision(each.lease.image_id, label)], "ann", NOON)
    found = progress_of(OpinionLog(asked.store).all(), "ann", NOON)
    assert (found.done_today, found.agreement.agreed, found.agreement.decided) == (2, 1, 1)
    assert found.agreement.low == pytest.approx(0.2065, abs=1e-4)


def test_the_interval_is_wilsons() -> None:
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_what_is_left_falls_with_each_decision(asked: "Scenario") -> None:
    assert open_queue(asked).count_left("ann") == 3
    decide(asked, "bob", 0, "hat")
    assert open_queue(asked).count_left("ann") == 2


def test_pace_is_that_of_the_last_hour(asked: "Scenario") -> None:
    for minute, number in enumerate((0, 1, 2)):
        assert progress_of(OpinionLog(asked.store).all(), "ann", NOON + timedelta(minutes=5)).per_hour is None
        words = [Decision(f"{number}.png", "hat")]
        record_decisions(asked.tables, words, "ann", NOON + timedelta(minutes=2 * minute))
    assert progress_of(OpinionLog(asked.store).all(), "ann", NOON + timedelta(minutes=5)).per_hour == 30
    assert progress_of(OpinionLog(asked.store).all(), "ann", NOON + 20 * LEASE).per_hour is None


def test_a_day_that_is_run_again_is_read_again_and_no_other(asked: "Scenario") -> None:
    seconds = [0.0]
    queue = ReviewQueue(asked.tables, OpinionLog(asked.store), lambda: seconds[0])
    assert queue.count_left("ann") == 3
    gold = asked.tables.read(GOLD_IMAGES, asked.day)
    asked.rewrite(GOLD_IMAGES, gold.with_columns(needs_review=False))
    assert queue.count_left("ann") == 3
    seconds[0] = 1.5
    assert queue.count_left("ann") == 0


def test_an_image_that_is_blocked_in_somebodys_hands_is_not_given_to_him_again(asked: "Scenario") -> None:
    assert ask(asked, "ann", 1) == "0"
    gold = asked.tables.read(GOLD_IMAGES, asked.day)
    is_held = pl.col("raw_name") == "0.png"
    state = pl.when(is_held).then(pl.lit("blocked")).otherwise(pl.col("state").cast(pl.String))
    asked.rewrite(GOLD_IMAGES, gold.with_columns(state=state.cast(gold.schema["state"])))
    # Who asks for one is given another one in its place.
    one = ask(asked, "ann", 1)
    assert (len(one), one == "0") == (1, False)
    assert "0" not in ask(asked, "ann")
