"""Which days gold does not show as it should: by a former model, or without what people said since."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest

from image_assets.steps.classification.behind import (
    count_changed,
    count_decisions,
    days_behind,
    predictions_in_gold,
)
from image_assets.steps.classification.label_decisions import Decision, record_decisions
from image_assets.steps.classification.opinions import Kind
from image_assets.steps.classification.training_set import build_training_set
from image_assets.tables.gold import GOLD_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

NOON = datetime(2026, 10, 2, 12, tzinfo=UTC)


@pytest.fixture
def predicted(scenario: "Scenario", paint: Callable[..., bytes]) -> "Scenario":
    """A day of three images that head-1 has predicted."""
    for number in range(3):
        scenario.land(f"anna/{number}.png", paint((number * 90, 90, 20), kind="PNG"))
    scenario.run()
    gold = scenario.tables.read(GOLD_IMAGES, scenario.day)
    scenario.rewrite(GOLD_IMAGES, gold.with_columns(predicted_label=pl.lit("hat"), model_version=pl.lit("head-1")))
    return scenario


def decide(scenario: "Scenario", label: str, kind: Kind = Kind.LABEL) -> None:
    record_decisions(scenario.tables, [Decision("0.png", label, kind=kind)], "ann", NOON)


def test_a_day_of_a_former_model_is_behind(predicted: "Scenario") -> None:
    assert days_behind(predicted.tables, "head-1") == {}
    assert days_behind(predicted.tables, "head-2") == {predicted.day: 3}
    assert days_behind(predicted.tables, None) == {}


def test_a_day_is_behind_until_gold_shows_what_people_say(predicted: "Scenario") -> None:
    decide(predicted, "cap")
    assert days_behind(predicted.tables, "head-1") == {predicted.day: 0}
    gold = predicted.tables.read(GOLD_IMAGES, predicted.day)
    is_it = pl.col("raw_name") == "0.png"
    source = pl.when(is_it).then(pl.lit("human")).cast(gold.schema["label_source"])
    shown = gold.with_columns(label=pl.when(is_it).then(pl.lit("cap")), label_source=source)
    predicted.rewrite(GOLD_IMAGES, shown)
    assert days_behind(predicted.tables, "head-1") == {}
    decide(predicted, "", Kind.UNDO)
    assert days_behind(predicted.tables, "head-1") == {predicted.day: 0}


def test_a_skip_changes_nothing_in_gold(predicted: "Scenario") -> None:
    decide(predicted, "", Kind.SKIP)
    assert days_behind(predicted.tables, "head-1") == {}


def test_decisions_count_as_learnt_when_the_training_set_has_them(predicted: "Scenario") -> None:
    decide(predicted, "cap")
    found = count_decisions(predicted.tables)
    assert (found.images, found.people, found.unlearnt) == (1, 1, 1)
    build_training_set(predicted.tables)
    assert count_decisions(predicted.tables).unlearnt == 0
    decide(predicted, "fez")
    assert count_decisions(predicted.tables).unlearnt == 1


def test_what_another_model_says_is_counted_and_what_it_says_differently(predicted: "Scenario") -> None:
    before = predictions_in_gold(predicted.tables, [predicted.day])
    gold = predicted.tables.read(GOLD_IMAGES, predicted.day).sort("raw_name")
    labels = pl.Series("predicted_label", ["hat", "cap", "hat"])
    versions = pl.Series("model_version", ["head-2", "head-2", "head-1"])
    predicted.rewrite(GOLD_IMAGES, gold.with_columns(labels, versions).sort("image_id"))
    assert count_changed(before, predictions_in_gold(predicted.tables, [predicted.day])) == (2, 1)
