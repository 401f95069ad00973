"""Groups of duplicates as a person goes through them: by pages, with the one to keep."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import polars as pl
import pytest

from image_assets.errors import DecisionError
from image_assets.steps.duplicates.groups import DuplicateGroups, Keeper, choose_keeper
from image_assets.steps.duplicates.pair_decisions import (
    PairVerdict,
    read_pair_decisions,
    read_pair_words,
    record_pair_decision,
    undo_pair_decisions,
)
from image_assets.tables.duplicates import DUPLICATE_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

NOON = datetime(2026, 10, 2, 12, tzinfo=UTC)


@pytest.fixture
def grouped(scenario: "Scenario", paint: Callable[..., bytes]) -> "Scenario":
    """Three photos that came twice, each again under another user, and one that came once."""
    for number, colour in enumerate(("red", "green", "blue", "white")):
        scenario.land(f"anna/{number}.png", paint(colour, kind="PNG"))
        if colour != "white":
            scenario.land(f"bo/{number}.png", paint(colour, kind="PNG"))
    scenario.run()
    return scenario


def test_pages_follow_each_other_and_groups_of_one_are_on_none(grouped: "Scenario") -> None:
    groups, seen, after = DuplicateGroups(grouped.tables), [], ""
    for _ in range(3):
        page = groups.page(1, after)
        seen += [each.canonical_id for each in page.groups]
        after = seen[-1]
        assert (page.total, len(page.groups[0].images)) == (3, 2)
    assert page.is_last
    rows = grouped.tables.read(DUPLICATE_IMAGES, grouped.day)
    assert seen == rows.filter(pl.col("image_id") != pl.col("canonical_id"))["canonical_id"].sort().to_list()
    assert groups.page(60, after).groups == []


def test_a_group_of_which_everything_is_said_waits_for_the_run_and_is_not_asked_about(grouped: "Scenario") -> None:
    groups = DuplicateGroups(grouped.tables)
    first, second = (each["image_id"] for each in groups.page(1).groups[0].images)
    record_pair_decision(grouped.tables, first, second, PairVerdict.DIFFERENT, "ann", NOON)
    assert groups.page(60).total == 2
    everything = groups.page(60, only_undecided=False)
    assert [each["verdict"] for each in everything.groups[0].images] == [None, "different"]


@pytest.mark.parametrize(
    ("second", "keeper", "reason"),
    [
        ({"width_px": 20}, 1, Keeper.MOST_PIXELS),
        ({"width_px": 5, "size_bytes": 999}, 0, Keeper.MOST_PIXELS),
        ({"size_bytes": 101}, 1, Keeper.LARGEST_FILE),
        ({"label": "hat"}, 1, Keeper.LABELLED),
        ({}, 0, Keeper.EARLIEST),
    ],
)
def test_the_one_to_keep_has_its_reason(second: dict[str, object], keeper: int, reason: Keeper) -> None:
    image = {"width_px": 10, "height_px": 10, "size_bytes": 100, "label": None}
    images = [image, {**image, **second}]
    assert choose_keeper(images) == (images[keeper], reason)


def test_a_day_that_is_compared_again_is_read_again(grouped: "Scenario") -> None:
    seconds = [0.0]
    groups = DuplicateGroups(grouped.tables, lambda: seconds[0])
    assert groups.page(60).total == 3
    seconds[0] = 5.0
    rows = grouped.tables.read(DUPLICATE_IMAGES, grouped.day)
    grouped.rewrite(DUPLICATE_IMAGES, rows.with_columns(canonical_id="image_id"))
    assert groups.page(60).total == 0


def test_a_person_takes_back_what_was_said_together_and_nothing_of_others(grouped: "Scenario") -> None:
    first, second, third = (
        [each["image_id"] for each in one.images] for one in DuplicateGroups(grouped.tables).page(3).groups
    )
    say = partial(record_pair_decision, grouped.tables)
    say(*first, PairVerdict.DIFFERENT, "bob", NOON)
    say(*second, PairVerdict.SAME, "ann", NOON)
    for pair in (first, third):
        for _ in range(2):
            say(*pair, PairVerdict.SAME, "ann", NOON, decision_id="together", keeper_id=pair[1])
    for _ in range(2):
        undone = undo_pair_decisions(grouped.tables, "ann", NOON, decision_id="back")
        assert {each.second_id for each in undone} == {first[1], third[1]}
    standing = {(each.second_id, each.verdict, each.decided_by) for each in read_pair_words(grouped.store)}
    assert standing == {(first[1], "different", "bob"), (second[1], "same", "ann")}
    undo_pair_decisions(grouped.tables, "ann", NOON)
    with pytest.raises(DecisionError, match="nothing"):
        undo_pair_decisions(grouped.tables, "ann", NOON)
    with pytest.raises(DecisionError, match="nothing"):
        say(*first, PairVerdict.UNDO, "ann", NOON)


def test_the_one_to_keep_is_whom_a_person_chose_and_that_changes_no_version(grouped: "Scenario") -> None:
    groups = DuplicateGroups(grouped.tables)
    first, second = (each["image_id"] for each in groups.page(1).groups[0].images)
    record_pair_decision(grouped.tables, first, second, PairVerdict.SAME, "ann", NOON)
    before = read_pair_decisions(grouped.store, grouped.day)
    record_pair_decision(grouped.tables, first, second, PairVerdict.UNDO, "ann", NOON)
    record_pair_decision(
        grouped.tables, first, second, PairVerdict.SAME, "ann", NOON, decision_id="1", keeper_id=second
    )
    group = groups.page(1, only_undecided=False).groups[0]
    assert (group.keeper_id, group.keeper) == (second, Keeper.CHOSEN)
    (after,) = read_pair_decisions(grouped.store, grouped.day)
    assert repr(replace(after, decided_at=before[0].decided_at)) == repr(before[0])
