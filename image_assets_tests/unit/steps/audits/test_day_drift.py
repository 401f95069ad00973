"""Each comparison with the days before passes a usual day and finds an unusual one."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from image_assets.ids import ObjectKey
from image_assets.lake.object_keys import table_key
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.audits.day_drift import (
    audit_classes,
    audit_duplicates,
    audit_numbers,
    audit_rejected_share,
    audit_vectors,
    audit_volume,
)
from image_assets.steps.audits.drift import DriftParams

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

DAY = date(2026, 10, 29)
PARAMS = DriftParams()
Keep = Callable[..., None]


@pytest.fixture
def tables(scenario: "Scenario") -> ParquetTables:
    return scenario.tables


@pytest.fixture
def keep(tables: ParquetTables) -> Keep:
    """Keep columns as a table's rows of so many days before `DAY`, without any schema."""

    def write(table: str, days_before: int, **columns: Sequence[object] | np.ndarray) -> None:
        key = ObjectKey(table_key(table, DAY - timedelta(days=days_before)))
        with tables.store.writing(key) as path:
            pl.DataFrame(columns).write_parquet(path)

    return write


def uris(count: int) -> list[str]:
    return [f"landing/{number}.jpg" for number in range(count)]


@pytest.fixture
def four_weeks(keep: Keep) -> None:
    """100 uploads on this weekday of each of the last four weeks, and 10 on each day since."""
    for week in range(1, 5):
        keep("bronze_images", 7 * week, source_uri=uris(90))
        keep("_rejections/bronze_images", 7 * week, source_uri=uris(10))
    for day in range(1, 7):
        keep("bronze_images", day, source_uri=uris(10))


@pytest.mark.parametrize(
    ("uploads", "is_usual"), [(100, True), (51, True), (199, True), (49, False), (201, False), (0, False)]
)
@pytest.mark.usefixtures("four_weeks")
def test_the_volume_is_compared_with_the_same_weekday(
    tables: ParquetTables, keep: Keep, uploads: int, is_usual: bool
) -> None:
    keep("bronze_images", 0, source_uri=uris(uploads))
    assert (audit_volume(tables, DAY, PARAMS).problems == ()) == is_usual


def test_without_weeks_before_the_volume_is_compared_with_the_days_before(tables: ParquetTables, keep: Keep) -> None:
    for day in range(4):
        keep("bronze_images", day, source_uri=uris(100 if day else 10))
    assert "10 uploads, usually 100" in audit_volume(tables, DAY, PARAMS).problems[0]


def test_the_first_day_has_no_usual_volume(tables: ParquetTables, keep: Keep) -> None:
    keep("bronze_images", 0, source_uri=uris(10))
    assert audit_volume(tables, DAY, PARAMS).problems == ()


@pytest.mark.parametrize(("rejected", "is_usual"), [(9, True), (12, False)])
def test_too_large_a_share_of_rejected_files_is_told(
    tables: ParquetTables, keep: Keep, rejected: int, is_usual: bool
) -> None:
    keep("bronze_images", 0, source_uri=uris(100 - rejected))
    keep("_rejections/bronze_images", 0, source_uri=uris(rejected))
    keep("rejected_images", 0, item=uris(rejected))
    assert (audit_rejected_share(tables, DAY, PARAMS).problems == ()) == is_usual


def test_of_a_handful_of_files_no_share_is_told(tables: ParquetTables, keep: Keep) -> None:
    keep("_rejections/bronze_images", 0, source_uri=uris(3))
    keep("rejected_images", 0, item=uris(3))
    assert audit_rejected_share(tables, DAY, PARAMS).problems == ()


@pytest.mark.parametrize(("shift", "is_usual"), [(0.0, True), (2.0, False)])
def test_numbers_are_compared_with_the_days_before(
    tables: ParquetTables, keep: Keep, shift: float, is_usual: bool
) -> None:
    for day in range(8):
        numbers = np.random.default_rng(day).normal(size=500)
        keep("silver_images", day, blur=numbers if day else numbers + shift)
    audit = audit_numbers(tables, "silver_images", "blur", DAY, PARAMS)
    assert (audit.examined, audit.problems == ()) == (500, is_usual)


def test_the_drift_that_was_measured_is_told_with_the_means(tables: ParquetTables, keep: Keep) -> None:
    keep("silver_images", 1, blur=np.zeros(100))
    keep("silver_images", 0, blur=np.ones(100))
    audit = audit_numbers(tables, "silver_images", "blur", DAY, PARAMS)
    assert audit.measured is not None
    assert f"stability index {audit.measured:.2f}; mean 1, before 0" in audit.problems[0]


def test_the_threshold_is_a_parameter(tables: ParquetTables, keep: Keep) -> None:
    keep("silver_images", 1, blur=np.zeros(100))
    keep("silver_images", 0, blur=np.ones(100))
    tolerant = replace(PARAMS, max_stability_index=100.0)
    assert audit_numbers(tables, "silver_images", "blur", DAY, tolerant).problems == ()


@pytest.mark.parametrize(("shoes", "is_usual"), [(50, True), (95, False)])
def test_the_mix_of_classes_is_compared_with_the_days_before(
    tables: ParquetTables, keep: Keep, shoes: int, is_usual: bool
) -> None:
    keep("gold_images", 1, label=["shoes"] * 50 + ["hat"] * 50)
    keep("gold_images", 0, label=["shoes"] * shoes + ["hat"] * (100 - shoes) + [None] * 9)
    audit = audit_classes(tables, "gold_images", "label", DAY, PARAMS)
    assert (audit.examined, audit.problems == ()) == (100, is_usual)


def test_the_class_that_moved_most_is_named(tables: ParquetTables, keep: Keep) -> None:
    keep("gold_images", 1, label=["shoes"] * 10 + ["hat"] * 90)
    keep("gold_images", 0, label=["shoes"] * 80 + ["hat"] * 20)
    (problem,) = audit_classes(tables, "gold_images", "label", DAY, PARAMS).problems
    assert "70%" in problem


@pytest.mark.parametrize("column", ["label", "predicted_label"])
def test_a_column_that_is_not_there_yet_is_no_drift(tables: ParquetTables, keep: Keep, column: str) -> None:
    keep("gold_images", 1, image_id=["a"])
    keep("gold_images", 0, label=["shoes"] * 100, predicted_label=["shoes"] * 100)
    assert audit_classes(tables, "gold_images", column, DAY, PARAMS).problems == ()


def keep_vectors(keep: Keep, days_before: int, *, is_turned: bool, recipe: str = "1") -> None:
    """60 vectors that point to one side, or to another."""
    vectors = np.random.default_rng(days_before).normal([9.0, 0, 0], 1, (60, 3)).astype(np.float32)
    rows = vectors[:, ::-1].copy() if is_turned else vectors
    keep(
        "image_embeddings/e",
        days_before,
        image_id=[f"{number:08x}" for number in range(60)],
        day=[DAY - timedelta(days=days_before)] * 60,
        input_version=["1"] * 60,
        recipe_version=[recipe] * 60,
        embedding=pl.Series(rows, dtype=pl.Array(pl.Float32, 3)),
    )


@pytest.mark.parametrize(("turned", "is_usual"), [(False, True), (True, False)])
def test_vectors_are_compared_with_the_days_before(
    tables: ParquetTables, keep: Keep, turned: bool, is_usual: bool
) -> None:
    for day in range(5):
        keep_vectors(keep, day, is_turned=turned and not day)
    assert (audit_vectors(tables, "e", DAY, PARAMS).problems == ()) == is_usual


def test_vectors_of_other_weights_than_the_days_are_no_drift(tables: ParquetTables, keep: Keep) -> None:
    for day in range(5):
        keep_vectors(keep, day, is_turned=not day, recipe=str(day == 0))
    assert audit_vectors(tables, "e", DAY, PARAMS).problems == ()


@pytest.mark.parametrize(("duplicates", "is_usual"), [(10, True), (60, False)])
def test_too_large_a_share_of_duplicates_is_told(
    tables: ParquetTables, keep: Keep, duplicates: int, is_usual: bool
) -> None:
    keep("gold_images", 0, is_duplicate=[number < duplicates for number in range(100)])
    assert (audit_duplicates(tables, DAY, PARAMS).problems == ()) == is_usual


def test_an_empty_lake_drifts_nowhere(tables: ParquetTables) -> None:
    audits = [
        audit_volume(tables, DAY, PARAMS),
        audit_rejected_share(tables, DAY, PARAMS),
        audit_numbers(tables, "silver_images", "blur", DAY, PARAMS),
        audit_classes(tables, "gold_images", "label", DAY, PARAMS),
        audit_vectors(tables, "e", DAY, PARAMS),
        audit_duplicates(tables, DAY, PARAMS),
    ]
    assert [audit.problems for audit in audits] == [()] * 6
