"""Tables of former recipes: kept when another recipe replaces them, and compared."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest

from image_assets.errors import ConfigurationError
from image_assets.imaging.derivatives import DerivativeParams, SilverParams
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.questions.table_diff import ColumnChange, diff_day, tables_with_history
from image_assets.tables.images import SILVER_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]


@pytest.fixture
def day(scenario: "Scenario", paint: Paint) -> "Scenario":
    """Two cleansed images, as large as they came."""
    scenario.land("anna/red.jpg", paint("red", size=(80, 60)))
    scenario.land("anna/blue.jpg", paint("blue", size=(40, 30)))
    scenario.take_in()
    scenario.derive()
    return scenario


def shrink(scenario: "Scenario", longest_side_px: int) -> None:
    scenario.derive(DerivativeParams(silver=SilverParams(longest_side_px=longest_side_px)))


def test_a_day_made_by_one_recipe_has_no_history(day: "Scenario", paint: Paint) -> None:
    day.land("anna/late.jpg", paint("green"))
    day.take_in()
    day.derive()
    assert tables_with_history(day.tables, day.day) == []


def test_the_table_of_the_former_recipe_is_kept_as_it_was(day: "Scenario") -> None:
    former = day.tables.read(SILVER_IMAGES, day.day)
    shrink(day, 50)
    (version,) = day.tables.former_recipes(SILVER_IMAGES.name, day.day)
    kept = day.tables.scan_files([object_keys.history_key(SILVER_IMAGES.name, day.day, version)])
    assert kept.equals(former)
    assert tables_with_history(day.tables, day.day) == [SILVER_IMAGES.name]


@pytest.mark.parametrize(("keep", "left"), [(0, 0), (1, 1), (2, 2), (9, 3)])
def test_as_many_former_recipes_are_kept_as_is_wanted(day: "Scenario", keep: int, left: int) -> None:
    tables = ParquetTables(day.store, history_keep=keep)
    for number in "abc":
        tables.keep_former(SILVER_IMAGES.name, day.day, number * 16)
    assert len(tables.former_recipes(SILVER_IMAGES.name, day.day)) == left


def test_the_last_former_table_is_kept_though_an_older_one_is_dated_later(day: "Scenario") -> None:
    tables = ParquetTables(day.store, history_keep=1)
    current = day.root / object_keys.table_key(SILVER_IMAGES.name, day.day)
    for number, year in (("a", 2099), ("b", 2026)):
        os.utime(current, (datetime(year, 1, 1, tzinfo=UTC).timestamp(),) * 2)
        tables.keep_former(SILVER_IMAGES.name, day.day, number * 16)
        # A commit puts another file in its place.
        former = current.read_bytes()
        current.unlink()
        current.write_bytes(former)
    assert tables.former_recipes(SILVER_IMAGES.name, day.day) == ["b" * 16]


def test_a_diff_counts_what_changed_and_by_how_much(day: "Scenario") -> None:
    shrink(day, 50)
    diff = diff_day(day.tables, SILVER_IMAGES.name, day.day)
    columns = {change.column: change for change in diff.columns}
    assert (diff.images, diff.added, diff.removed, diff.changed) == (2, 0, 0, 1)
    assert columns["width_px"] == ColumnChange("width_px", 1, 30.0, 30.0)
    assert columns["sha256"] == ColumnChange("sha256", 1, None, None)
    assert columns["cleansed_path"].changed == 0


def test_a_diff_counts_images_that_came_and_went(day: "Scenario", paint: Paint) -> None:
    day.land("anna/late.jpg", paint("green"))
    day.take_in()
    shrink(day, 50)
    assert diff_day(day.tables, SILVER_IMAGES.name, day.day).added == 1
    day.rewrite(SILVER_IMAGES, day.tables.read(SILVER_IMAGES, day.day).clear())
    assert diff_day(day.tables, SILVER_IMAGES.name, day.day).removed == 2


def test_vectors_differ_by_their_distance(scenario: "Scenario") -> None:
    write(scenario, "vectors", [[1.0, 0.0]], pl.Array(pl.Float32, 2))
    scenario.tables.keep_former("vectors", scenario.day, "a" * 16)
    write(scenario, "vectors", [[0.0, 1.0]], pl.Array(pl.Float32, 2))
    (change,) = diff_day(scenario.tables, "vectors", scenario.day).columns
    assert change.largest_difference == pytest.approx(2**0.5)


@pytest.mark.parametrize(
    ("before", "now", "changed"),
    [
        ([None, 1.0], [None, 2.0], 1),
        ([None, 1.0], [2.0, 1.0], 1),
        ([["a"], ["b"]], [["a"], ["c"]], 1),
        ([[{"tag": "a"}], []], [[{"tag": "b"}], []], 1),
    ],
)
def test_nulls_lists_and_records_are_compared(
    scenario: "Scenario", before: list[object], now: list[object], changed: int
) -> None:
    write(scenario, "things", before)
    scenario.tables.keep_former("things", scenario.day, "a" * 16)
    write(scenario, "things", now)
    assert diff_day(scenario.tables, "things", scenario.day).changed == changed


@pytest.mark.parametrize(
    ("before", "now", "changed"),
    [
        (pl.Series([1], dtype=pl.Int32), pl.Series([1], dtype=pl.Int64), 0),
        (pl.Series(["a"], dtype=pl.Enum(["a"])), pl.Series(["a"], dtype=pl.Enum(["a", "b"])), 0),
        (pl.Series([1]), pl.Series(["1"]), 1),
        (pl.Series([[1.0]], dtype=pl.Array(pl.Float32, 1)), pl.Series([[1.0, 0.0]], dtype=pl.Array(pl.Float32, 2)), 1),
    ],
)
def test_a_column_of_another_type_is_another_value_unless_both_are_numbers_or_words(
    scenario: "Scenario", before: pl.Series, now: pl.Series, changed: int
) -> None:
    write(scenario, "things", before)
    scenario.tables.keep_former("things", scenario.day, "a" * 16)
    write(scenario, "things", now)
    assert diff_day(scenario.tables, "things", scenario.day).changed == changed


def test_columns_that_only_one_of_both_has_are_named(scenario: "Scenario") -> None:
    write(scenario, "things", [1], name="former")
    scenario.tables.keep_former("things", scenario.day, "a" * 16)
    write(scenario, "things", [1], name="later")
    diff = diff_day(scenario.tables, "things", scenario.day)
    assert (diff.new_columns, diff.gone_columns) == (("later",), ("former",))


def test_a_recipe_that_is_not_kept_is_an_error_that_names_those_that_are(day: "Scenario") -> None:
    with pytest.raises(ConfigurationError, match="nothing is kept"):
        diff_day(day.tables, SILVER_IMAGES.name, day.day)
    shrink(day, 50)
    (version,) = day.tables.former_recipes(SILVER_IMAGES.name, day.day)
    with pytest.raises(ConfigurationError, match=version):
        diff_day(day.tables, SILVER_IMAGES.name, day.day, "elsewhere")


def write(
    scenario: "Scenario",
    table: str,
    values: list[object] | pl.Series,
    dtype: pl.DataType | None = None,
    name: str = "value",
) -> None:
    ids = [str(number) for number in range(len(values))]
    with scenario.store.writing(object_keys.table_key(table, scenario.day)) as path:
        pl.DataFrame({"image_id": ids, name: pl.Series(values, dtype=dtype)}).write_parquet(path)
