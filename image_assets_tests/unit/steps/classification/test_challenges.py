"""A new classifier against the one in charge: both numbers, whether that was luck, and what changed; without models."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest

from image_assets.models.classifiers.paired_test import compare_pairs
from image_assets.steps.classification.challenges import Change, last_challenge, read_challenge
from image_assets.steps.classification.training import Comparison, conclude
from image_assets.tables.training import ALL_ANSWERS, CLASSIFIER_EVALUATIONS, answers_table

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

NOW, DAY = datetime(2026, 10, 2, tzinfo=UTC), date(2026, 10, 1)
SAID = [
    # label, champion, challenger
    ("hat", "hat", "hat"),
    ("hat", "shoe", "hat"),
    ("shoe", "hat", "shoe"),
    ("shoe", "shoe", "hat"),
    ("hat", "shoe", "dress"),
    ("shoe", "shoe", "shoe"),
]


def answers(champion: str | None = "head-1") -> pl.DataFrame:
    rows = [
        {
            "image_id": str(UUID(int=number, version=5)),
            "day": DAY,
            "label": label,
            "challenger": "head-2",
            "challenger_label": said,
            "challenger_confidence_ratio": 0.5 + number / 20,
            "champion": champion,
            "champion_label": before if champion else None,
            "champion_confidence_ratio": 0.9 if champion else None,
        }
        for number, (label, before, said) in enumerate(SAID)
    ]
    return pl.DataFrame(rows, schema=ALL_ANSWERS.schema.create_empty().schema)


def keep(scenario: "Scenario", champion: str | None = "head-1", *, is_promoted: bool = True) -> None:
    row = {
        "challenger": "head-2",
        "role": "challenger",
        "model_version": "head-2",
        "evaluated_at": NOW,
        "images": len(SAID),
        **dict.fromkeys(("accuracy_ratio", "macro_f1_ratio", "calibration_error_ratio", "risk_coverage_ratio"), 0.5),
        "is_promoted": is_promoted,
    }
    schema = CLASSIFIER_EVALUATIONS.schema.create_empty().schema
    scenario.tables.replace(CLASSIFIER_EVALUATIONS, None, pl.DataFrame([row], schema=schema))
    scenario.tables.replace(answers_table("head-2"), None, answers(champion))


def test_both_are_counted_on_the_same_images(scenario: "Scenario") -> None:
    keep(scenario)
    found = last_challenge(scenario.tables)
    assert found is not None
    assert found.champion_accuracy is not None
    assert (found.challenger_accuracy.right, found.champion_accuracy.right) == (4, 3)
    assert found.challenger_accuracy.low < 4 / 6 < found.challenger_accuracy.high
    assert found.verdict == "head-2 beats head-1 and is the champion now"


def test_confusion_has_a_row_per_given_and_a_column_per_predicted_label(scenario: "Scenario") -> None:
    keep(scenario)
    found = last_challenge(scenario.tables)
    assert found is not None
    assert found.labels == ("dress", "hat", "shoe")
    assert found.challenger_confusion == ((0, 0, 0), (1, 2, 0), (0, 1, 2))
    assert found.champion_confusion == ((0, 0, 0), (0, 1, 2), (0, 1, 2))


def test_labels_that_no_test_image_has_are_not_judged(scenario: "Scenario") -> None:
    keep(scenario)
    found = last_challenge(scenario.tables)
    assert found is not None
    hat, shoe = found.per_label
    assert (hat.label, hat.images, hat.challenger_recall, hat.champion_recall) == ("hat", 3, 2 / 3, 1 / 3)
    assert (shoe.label, shoe.challenger_precision, shoe.champion_precision) == ("shoe", 1.0, 0.5)


def test_what_changed_is_told_mended_first_and_each_kind_the_surest_first(scenario: "Scenario") -> None:
    keep(scenario)
    found = last_challenge(scenario.tables)
    assert found is not None
    assert found.test is not None
    assert [each.change for each in found.changed] == [Change.MENDED, Change.MENDED, Change.BROKEN, Change.OTHER]
    assert [each.label for each in found.changed[:2]] == ["shoe", "hat"]
    assert (found.test.mended, found.test.broken) == (2, 1)


def test_without_a_champion_there_is_nothing_to_compare_with(scenario: "Scenario") -> None:
    keep(scenario, champion=None)
    found = last_challenge(scenario.tables)
    assert found is not None
    assert (found.champion, found.champion_accuracy, found.test, found.champion_confusion) == (None, None, None, None)
    assert (found.changed, found.per_label[0].champion_recall) == ((), None)
    assert "none to beat" in found.verdict


def test_who_stayed_in_charge_is_told(scenario: "Scenario") -> None:
    keep(scenario, is_promoted=False)
    found = read_challenge(scenario.tables, "head-2")
    assert found is not None
    assert found.verdict == "head-2 does not beat head-1, which stays the champion"


def test_a_version_of_which_no_answers_were_kept_has_no_challenge(scenario: "Scenario") -> None:
    keep(scenario)
    scenario.store.delete(next(iter(scenario.tables.files(ALL_ANSWERS.name))))
    assert read_challenge(scenario.tables, "head-2") is None
    assert read_challenge(scenario.tables, "head-9") is None


def test_a_champion_that_meets_itself_keeps_the_record_that_put_it_in_charge(scenario: "Scenario") -> None:
    keep(scenario)
    found = read_challenge(scenario.tables, "head-2")
    from image_assets.models.classifiers.metrics import score

    scores = score(np.eye(2, dtype=np.float32), np.array([0, 1]))
    itself = answers().with_columns(champion=pl.lit("head-2"), champion_label="challenger_label")
    assert not conclude(scenario.tables, Comparison("head-2", "head-2", scores, scores, itself), NOW)
    assert read_challenge(scenario.tables, "head-2") == found


@pytest.mark.parametrize(("mended", "broken"), [(0, 0), (1, 0), (3, 9), (21, 1), (40, 40)])
def test_the_test_is_mcnemars_exact_one(mended: int, broken: int) -> None:
    expected = binomtest(mended, mended + broken).pvalue if mended + broken else 1.0
    assert compare_pairs(mended, broken, 200).p_value == pytest.approx(expected)


def test_the_interval_of_the_difference_is_bonetts_and_prices() -> None:
    found = compare_pairs(14, 1, 30)
    share, other = 15 / 32, 2 / 32
    half = 1.959964 * np.sqrt((share + other - (share - other) ** 2) / 32)
    assert (found.low, found.high) == pytest.approx((share - other - half, share - other + half))
    assert found.difference == pytest.approx(13 / 30)
