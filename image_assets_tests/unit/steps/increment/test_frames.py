"""What is made, kept and refused of rows that are one frame; see test_increment_properties for any history at all."""

from collections.abc import Callable, Generator, Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import dataframely as dy
import polars as pl
import pytest

from image_assets.compute.outcomes import Done
from image_assets.errors import StoreUnavailableError, TableError
from image_assets.lake.object_keys import history_prefix
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.increment.frame import settle_frame
from image_assets.steps.increment.increment import IncrementReport
from image_assets.steps.increment.outcome import Item, Outcome
from image_assets.steps.increment.recipe import Recipe, version_of, with_versions
from image_assets.steps.increment.stock import Target
from image_assets.steps.increment.stream import run_increment
from image_assets.tables.rejections import rejections_of
from image_assets.tables.table import Table

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

DAY = date(2026, 10, 1)
TEXTS = {"a": "one", "b": "three", "d": "seven"}
Make = Callable[[pl.DataFrame], pl.DataFrame]


class Lengths(dy.Schema):
    """A text and how long it is."""

    name = dy.String(primary_key=True)
    day = dy.Date()
    length = dy.UInt32()
    input_version = dy.String()
    recipe_version = dy.String()
    processed_at = dy.Datetime(time_unit="us", time_zone="UTC")


LENGTHS = Table("lengths", Lengths)


class Measuring:
    """Measures texts and notes whose."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, missing: pl.DataFrame) -> pl.DataFrame:
        self.asked += missing["name"].to_list()
        return missing.select(pl.col("text").str.len_chars().alias("length"), "name")


def inputs_of(**texts: str) -> pl.DataFrame:
    names = pl.DataFrame({"name": list(texts), "text": list(texts.values())}, {"name": pl.String, "text": pl.String})
    return with_versions(names, ["text"])


def settle(tables: ParquetTables, made: Make, recipe: str = "1", **texts: str) -> IncrementReport:
    target = Target(LENGTHS, Recipe({"version": recipe}), key="name")
    return settle_frame(tables, target, DAY, lambda: inputs_of(**texts), made)


@pytest.fixture
def tables(scenario: "Scenario") -> ParquetTables:
    return scenario.tables


def lengths(tables: ParquetTables) -> dict[str, int]:
    return dict(tables.read(LENGTHS, DAY).select("name", "length").iter_rows())


def instants(tables: ParquetTables) -> dict[str, datetime]:
    return dict(tables.read(LENGTHS, DAY).select("name", "processed_at").iter_rows())


def test_every_input_gets_a_row_that_knows_its_day_its_versions_and_its_time(tables: ParquetTables) -> None:
    before = datetime.now(UTC)
    report = settle(tables, Measuring(), **TEXTS)
    row, *others = tables.read(LENGTHS, DAY).to_dicts()
    assert (row["day"], row["length"], row["input_version"]) == (DAY, 3, version_of("one"))
    assert row["recipe_version"] == Target(LENGTHS, Recipe({"version": "1"}), key="name").recipe_version
    assert before <= row["processed_at"] <= datetime.now(UTC)
    assert (len(others), report.seen, report.accepted, report.computed, report.rejected) == (2, 3, 3, 3, 0)


def test_an_unchanged_day_writes_no_byte_and_makes_nothing(scenario: "Scenario", tables: ParquetTables) -> None:
    settle(tables, Measuring(), **TEXTS)
    before, measuring = scenario.files(), Measuring()
    report = settle(tables, measuring, **TEXTS)
    assert (report.is_unchanged, report.reused, measuring.asked) == (True, 3, [])
    assert scenario.files() == before


def test_what_is_late_or_changed_is_made_alone_and_the_rest_keeps_its_time(tables: ParquetTables) -> None:
    settle(tables, Measuring(), **TEXTS)
    before, measuring = instants(tables), Measuring()
    report = settle(tables, measuring, **{**TEXTS, "b": "eleven", "c": "four"})
    assert measuring.asked == ["b", "c"]
    assert lengths(tables) == {"a": 3, "b": 6, "c": 4, "d": 5}
    assert {name: instants(tables)[name] == before[name] for name in TEXTS} == {"a": True, "b": False, "d": True}
    assert (report.computed, report.reused, report.removed) == (2, 2, 0)


def test_an_input_that_went_takes_its_row_with_it_and_nothing_is_made(tables: ParquetTables) -> None:
    settle(tables, Measuring(), **TEXTS)
    measuring = Measuring()
    report = settle(tables, measuring, a="one")
    assert (lengths(tables), measuring.asked, report.removed, report.computed) == ({"a": 3}, [], 2, 0)


def test_a_new_recipe_makes_every_row_and_keeps_the_former_file(tables: ParquetTables) -> None:
    settle(tables, Measuring(), **TEXTS)
    former, measuring = tables.read(LENGTHS, DAY), Measuring()
    settle(tables, measuring, recipe="2", **TEXTS)
    (kept,) = tables.store.list(history_prefix(LENGTHS.name, DAY))
    assert (measuring.asked, tables.scan_files([kept.key]).equals(former)) == (list(TEXTS), True)


def test_an_empty_day_is_committed_as_empty_tables(tables: ParquetTables) -> None:
    report = settle(tables, Measuring())
    assert (report.is_unchanged, lengths(tables), tables.exists(rejections_of(LENGTHS), DAY)) == (False, {}, True)
    assert settle(tables, Measuring()).is_unchanged


def test_rows_of_a_large_day_are_in_order_whether_they_are_kept_or_made(tables: ParquetTables) -> None:
    names = [f"{number * 7919 % 60_013:05}" for number in range(60_013)]
    some = dict.fromkeys(names[::2], "text")
    settle(tables, Measuring(), **some)
    report = settle(tables, Measuring(), **dict.fromkeys(names, "text"))
    assert tables.read(LENGTHS, DAY)["name"].to_list() == sorted(names)
    assert (report.reused, report.computed) == (30_007, 30_006)


MISFITS: dict[str, Make] = {
    "a row too few": lambda rows: rows[1:].select("name", length=pl.lit(1, dtype=pl.UInt32)),
    "a row twice": lambda rows: pl.concat([rows[1:], rows[1:]]).select("name", length=pl.lit(1, dtype=pl.UInt32)),
    "every row, and one of them twice": lambda rows: pl.concat([rows, rows[:1]]).select(
        "name", length=pl.lit(1, dtype=pl.UInt32)
    ),
    "a row nobody asked for": lambda rows: rows.select(
        name=pl.col("name").replace({"a": "z"}), length=pl.lit(1, dtype=pl.UInt32)
    ),
    "another type": lambda rows: rows.select("name", length=pl.lit(1, dtype=pl.Int64)),
    "no column": lambda rows: rows.select("name"),
    "a null": lambda rows: rows.select("name", length=pl.lit(None, dtype=pl.UInt32)),
}


@pytest.mark.parametrize("made", MISFITS.values(), ids=list(MISFITS))
def test_a_frame_that_does_not_fit_stops_the_run_and_keeps_the_last_good_table(
    scenario: "Scenario", tables: ParquetTables, made: Make
) -> None:
    settle(tables, Measuring(), c="four")
    before = scenario.files()
    with pytest.raises(TableError, match="lengths"):
        settle(tables, made, a="one", b="three")
    assert scenario.files() == before


def test_progress_is_told_before_and_after_and_not_at_all_when_nothing_is_missing(tables: ParquetTables) -> None:
    told: list[tuple[int, int]] = []
    target = Target(LENGTHS, Recipe({}), key="name")
    for _ in range(2):
        settle_frame(
            tables, target, DAY, lambda: inputs_of(**TEXTS), Measuring(), on_progress=lambda *each: told.append(each)
        )
    assert told == [(0, 3), (3, 3)]


def test_a_frame_that_another_run_overtook_does_not_replace_what_is_known_since(tables: ParquetTables) -> None:
    landed, measuring = {"a": "one"}, Measuring()

    def overtaken(missing: pl.DataFrame) -> pl.DataFrame:
        landed["b"] = "three"
        settle(tables, Measuring(), **landed)
        return measuring(missing)

    target = Target(LENGTHS, Recipe({"version": "1"}), key="name")
    report = settle_frame(tables, target, DAY, lambda: inputs_of(**landed), overtaken)
    assert lengths(tables) == {"a": 3, "b": 5}
    assert (measuring.asked, report.accepted) == (["a"], 2)


def test_a_frame_that_is_always_overtaken_says_so(tables: ParquetTables) -> None:
    landed: dict[str, str] = {"a": "one"}

    def overtaken(missing: pl.DataFrame) -> pl.DataFrame:
        settle(tables, Measuring(), a="other", z=landed["a"])
        landed["a"] += "!"
        return Measuring()(missing)

    target = Target(LENGTHS, Recipe({"version": "1"}), key="name")
    with pytest.raises(StoreUnavailableError, match="did not settle"):
        settle_frame(tables, target, DAY, lambda: inputs_of(**landed), overtaken)


def leave_a_chunk(tables: ParquetTables) -> None:
    """A run item by item that is cut off after two of them."""

    def cut_off(done: int, _total: int) -> None:
        if done:
            raise KeyboardInterrupt

    def measured(items: Iterator[Item]) -> Generator[Outcome]:
        for item in items:
            yield Done(item, {"lengths": {"length": len(str(item.row["text"]))}})

    target = Target(LENGTHS, Recipe({"version": "1"}), key="name")
    with pytest.raises(KeyboardInterrupt):
        run_increment(tables, target, DAY, lambda: inputs_of(**TEXTS), measured, chunk_size=2, on_progress=cut_off)


def test_chunks_that_a_run_item_by_item_left_are_taken_over(tables: ParquetTables) -> None:
    leave_a_chunk(tables)
    measuring = Measuring()
    report = settle(tables, measuring, **TEXTS)
    assert (measuring.asked, lengths(tables), report.computed) == (["d"], {"a": 3, "b": 5, "d": 5}, 1)
    assert list(tables.store.list("tables/_checkpoints")) == []


def test_a_chunk_that_another_run_writes_meanwhile_is_left_to_it(tables: ParquetTables) -> None:
    def joined() -> pl.DataFrame:
        leave_a_chunk(tables)
        return inputs_of(**TEXTS)

    settle_frame(tables, Target(LENGTHS, Recipe({"version": "1"}), key="name"), DAY, joined, Measuring())
    assert lengths(tables) == {"a": 3, "b": 5, "d": 5}
    assert len(list(tables.store.list("tables/_checkpoints"))) == 1


def test_versions_are_those_of_the_fields_one_by_one() -> None:
    tags = pl.List(pl.Struct({"tag": pl.String, "confidence_ratio": pl.Float32}))
    rows = [("a", 1.5, None, [{"tag": "red", "confidence_ratio": 0.1}]), ("b", None, "x", [])]
    frame = pl.DataFrame(rows, {"name": pl.String, "ratio": pl.Float32, "text": pl.String, "tags": tags}, orient="row")
    versions = with_versions(frame, ["tags", "ratio", "text"])["input_version"].to_list()
    confidence = frame["tags"][0][0]["confidence_ratio"]
    assert versions == [
        version_of([{"tag": "red", "confidence_ratio": confidence}], 1.5, None),
        version_of([], None, "x"),
    ]
