"""What one increment computes, writes and refuses; see test_increment_properties for any history at all."""

from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import dataframely as dy
import polars as pl
import pytest

from image_assets.compute.outcomes import Done, Failed
from image_assets.errors import ImageError, RejectionReason, StoreUnavailableError, TableError
from image_assets.ids import ObjectKey
from image_assets.lake.object_keys import checkpoint_prefix, history_prefix, table_key
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.increment.increment import IncrementReport
from image_assets.steps.increment.outcome import Item, Outcome, Process
from image_assets.steps.increment.recipe import Recipe
from image_assets.steps.increment.stock import Target
from image_assets.steps.increment.stream import run_increment, run_increments
from image_assets.tables.rejections import rejections_of
from image_assets.tables.table import Table

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

DAY = date(2026, 10, 1)
CHUNK_SIZE = 3


class Lengths(dy.Schema):
    """A text and how long it is."""

    name = dy.String(primary_key=True)
    day = dy.Date()
    length = dy.UInt32()
    input_version = dy.String()
    recipe_version = dy.String()
    processed_at = dy.Datetime(time_unit="us", time_zone="UTC")


class OlderLengths(dy.Schema):
    """The same with a narrower number, and a column that went."""

    name = dy.String(primary_key=True)
    day = dy.Date()
    length = dy.UInt8()
    gone = dy.String()
    input_version = dy.String()
    recipe_version = dy.String()
    processed_at = dy.Datetime(time_unit="us", time_zone="UTC")


LENGTHS, HALVES = Table("lengths", Lengths), Table("halves", Lengths)
OLDER = Table("lengths", OlderLengths)


class Measuring:
    """A process that notes what it was asked: lengths, and their halves; an empty text is a bad image."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.asked: list[str] = []
        self.wanted: list[frozenset[str]] = []
        self.is_closed = False
        self._stop_after = stop_after

    def __call__(self, items: Iterator[Item]) -> Generator[Outcome]:
        try:
            for item in items:
                if len(self.asked) == self._stop_after:
                    raise KeyboardInterrupt
                self.asked.append(str(item.row["name"]))
                self.wanted.append(item.wanted)
                yield self._measured(item)
        finally:
            self.is_closed = True

    @staticmethod
    def _measured(item: Item) -> Outcome:
        length = len(str(item.row["text"]))
        if not length:
            return Failed(item, ImageError(RejectionReason.EMPTY, "no text"))
        values: dict[str, dict[str, object]] = {
            "lengths": {"length": length, "gone": ""},
            "halves": {"length": length // 2},
        }
        return Done(item, {name: values[name] for name in item.wanted})


def inputs_of(**texts: str) -> pl.DataFrame:
    rows = [(name, name, f"version of {text}", text) for name, text in texts.items()]
    schema = {"name": pl.String, "source_uri": pl.String, "input_version": pl.String, "text": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def increment(
    tables: ParquetTables,
    inputs: pl.DataFrame,
    process: Process,
    into: Sequence[Table] = (LENGTHS,),
    recipe: str = "1",
    chunk_size: int = CHUNK_SIZE,
) -> list[IncrementReport]:
    targets = [Target(table, Recipe({"version": recipe}), key="name") for table in into]
    return run_increments(tables, targets, DAY, lambda: inputs, process, chunk_size=chunk_size)


@pytest.fixture
def tables(scenario: "Scenario") -> ParquetTables:
    return scenario.tables


def lengths(tables: ParquetTables, table: Table = LENGTHS) -> dict[str, int]:
    return dict(tables.read(table, DAY).select("name", "length").iter_rows())


TEXTS = {"a": "one", "b": "three", "c": "", "d": "seven", "e": "eleven"}


def test_every_input_becomes_a_row_or_a_rejection(tables: ParquetTables) -> None:
    (report,) = increment(tables, inputs_of(**TEXTS), Measuring())
    assert lengths(tables) == {"a": 3, "b": 5, "d": 5, "e": 6}
    assert tables.read(rejections_of(LENGTHS), DAY).get_column("item").to_list() == ["c"]
    assert (report.seen, report.accepted, report.rejected, report.computed, report.newly_rejected) == (5, 4, 1, 4, 1)


def test_an_unchanged_day_writes_no_byte_and_asks_for_nothing(scenario: "Scenario", tables: ParquetTables) -> None:
    increment(tables, inputs_of(**TEXTS), Measuring())
    before, process = scenario.files(), Measuring()
    (report,) = increment(tables, inputs_of(**TEXTS), process)
    assert (report.is_unchanged, report.reused, process.asked) == (True, 4, [])
    assert scenario.files() == before


def test_a_late_file_is_computed_alone(tables: ParquetTables) -> None:
    increment(tables, inputs_of(**TEXTS), Measuring())
    process = Measuring()
    (report,) = increment(tables, inputs_of(**TEXTS, f="thirteen"), process)
    assert process.asked == ["f"]
    assert (report.computed, report.reused, report.accepted) == (1, 4, 5)


def test_a_changed_input_is_computed_again(tables: ParquetTables) -> None:
    increment(tables, inputs_of(**TEXTS), Measuring())
    process = Measuring()
    increment(tables, inputs_of(**{**TEXTS, "b": "twenty-three"}), process)
    assert process.asked == ["b"]
    assert lengths(tables)["b"] == 12


def test_a_mended_input_is_a_row_and_no_longer_a_rejection(tables: ParquetTables) -> None:
    increment(tables, inputs_of(**TEXTS), Measuring())
    increment(tables, inputs_of(**{**TEXTS, "c": "now"}), Measuring())
    assert lengths(tables)["c"] == 3
    assert tables.read(rejections_of(LENGTHS), DAY).is_empty()


def test_a_spoilt_input_is_a_rejection_and_no_longer_a_row(tables: ParquetTables) -> None:
    increment(tables, inputs_of(**TEXTS), Measuring())
    (report,) = increment(tables, inputs_of(**{**TEXTS, "a": ""}), Measuring())
    assert "a" not in lengths(tables)
    assert (report.rejected, report.newly_rejected, report.removed) == (2, 1, 1)


def test_an_input_that_went_takes_its_row_with_it_and_nothing_is_computed(tables: ParquetTables) -> None:
    increment(tables, inputs_of(**TEXTS), Measuring())
    process = Measuring()
    (report,) = increment(tables, inputs_of(a="one"), process)
    assert (lengths(tables), process.asked, report.removed, report.seen) == ({"a": 3}, [], 3, 1)


def test_a_new_recipe_touches_its_own_table_and_its_history_only(scenario: "Scenario", tables: ParquetTables) -> None:
    increment(tables, inputs_of(**TEXTS), Measuring(), into=(LENGTHS, HALVES))
    before = scenario.files()
    targets = [
        Target(LENGTHS, Recipe({"version": "1"}), key="name"),
        Target(HALVES, Recipe({"version": "2"}), key="name"),
    ]
    process = Measuring()
    reports = run_increments(tables, targets, DAY, lambda: inputs_of(**TEXTS), process, chunk_size=CHUNK_SIZE)
    assert [report.is_unchanged for report in reports] == [True, False]
    assert set(process.wanted) == {frozenset({"halves"})}
    changed = {name for name, stamp in scenario.files().items() if before.get(name) != stamp}
    own = {table_key(table.name, DAY) for table in (HALVES, rejections_of(HALVES))}
    (former,) = changed - own
    assert former.startswith(history_prefix(HALVES.name, DAY))


def test_one_pass_serves_every_table_that_lacks_the_item(tables: ParquetTables) -> None:
    increment(tables, inputs_of(a="one"), Measuring(), into=(LENGTHS,))
    process = Measuring()
    increment(tables, inputs_of(a="one", b="three"), process, into=(LENGTHS, HALVES))
    assert dict(zip(process.asked, process.wanted, strict=True)) == {
        "a": frozenset({"halves"}),
        "b": frozenset({"lengths", "halves"}),
    }


def test_an_empty_day_is_committed_as_empty_tables(tables: ParquetTables) -> None:
    (report,) = increment(tables, inputs_of(), Measuring())
    assert not report.is_unchanged
    assert lengths(tables) == {}
    assert tables.exists(rejections_of(LENGTHS), DAY)


def test_a_row_knows_its_day_its_recipe_and_its_time(tables: ParquetTables) -> None:
    before = datetime.now(UTC)
    increment(tables, inputs_of(a="one"), Measuring())
    (row,) = tables.read(LENGTHS, DAY).to_dicts()
    assert (row["day"], row["input_version"]) == (DAY, "version of one")
    assert row["recipe_version"] == Target(LENGTHS, Recipe({"version": "1"}), key="name").recipe_version
    assert before <= row["processed_at"] <= datetime.now(UTC)


def test_progress_is_told_from_nothing_to_everything(tables: ParquetTables) -> None:
    told: list[tuple[int, int]] = []
    run_increment(
        tables,
        Target(LENGTHS, Recipe({}), key="name"),
        DAY,
        lambda: inputs_of(**TEXTS),
        Measuring(),
        chunk_size=2,
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(0, 5), (2, 5), (4, 5), (5, 5)]


def test_a_day_in_many_chunks_and_ranges_is_sorted_and_complete(tables: ParquetTables) -> None:
    names = [f"{number * 7919 % 60_013:05}" for number in range(60_013)]
    inputs = pl.DataFrame({"name": names, "source_uri": names, "input_version": "1", "text": "text"})
    inputs = inputs.with_columns(text=pl.when(pl.col("name").str.ends_with("77")).then(pl.lit("")).otherwise("text"))
    increment(tables, inputs, Measuring(), chunk_size=20_011)
    rows = tables.read(LENGTHS, DAY).get_column("name")
    refused = tables.read(rejections_of(LENGTHS), DAY).get_column("item")
    assert rows.to_list() == [name for name in sorted(names) if not name.endswith("77")]
    assert refused.to_list() == [name for name in sorted(names) if name.endswith("77")]


def forgetful(items: Iterator[Item]) -> Generator[Outcome]:
    for number, item in enumerate(items):
        if number != 1:
            yield Done(item, {"lengths": {"length": 1}})


def repetitive(items: Iterator[Item]) -> Generator[Outcome]:
    for item in items:
        yield from [Done(item, {"lengths": {"length": 1}})] * 2


def inventive(items: Iterator[Item]) -> Generator[Outcome]:
    for item in items:
        yield Done(Item({**item.row, "name": "z"}, item.wanted), {"lengths": {"length": 1}})


@pytest.mark.parametrize(
    ("process", "says"),
    [
        (forgetful, "1 of 5 inputs got no outcome.*such as b"),
        (repetitive, "second outcome"),
        (inventive, "never asked"),
    ],
)
def test_a_process_that_loses_or_invents_an_item_commits_nothing(
    tables: ParquetTables, process: Process, says: str
) -> None:
    with pytest.raises(TableError, match=says):
        increment(tables, inputs_of(**TEXTS), process)
    assert not tables.exists(LENGTHS, DAY)
    assert not tables.exists(rejections_of(LENGTHS), DAY)


def test_a_null_where_none_may_be_stops_the_run_and_keeps_the_last_good_table(
    scenario: "Scenario", tables: ParquetTables
) -> None:
    increment(tables, inputs_of(a="one"), Measuring())
    before = scenario.files()

    def spoilt(items: Iterator[Item]) -> Generator[Outcome]:
        for item in items:
            yield Done(item, {"lengths": {"length": None}})

    with pytest.raises(TableError, match="break its schema"):
        increment(tables, inputs_of(a="one", b="three"), spoilt)
    assert scenario.files() == before


MISFITS: dict[str, dict[str, dict[str, object]]] = {
    "another type": {"lengths": {"length": "long"}},
    "no column": {"lengths": {}},
    "no table": {},
}


@pytest.mark.parametrize("values", MISFITS.values(), ids=list(MISFITS))
def test_values_that_do_not_fit_the_table_stop_the_run_and_commit_nothing(
    tables: ParquetTables, values: dict[str, dict[str, object]]
) -> None:
    def misfit(items: Iterator[Item]) -> Generator[Outcome]:
        for item in items:
            yield Done(item, values)

    with pytest.raises(TableError, match="lengths lacks or mistypes a column"):
        increment(tables, inputs_of(a="one", b="three"), misfit)
    assert not tables.exists(LENGTHS, DAY)


def test_a_broken_world_stops_the_run_with_its_own_error(tables: ParquetTables) -> None:
    def broken(items: Iterator[Item]) -> Generator[Outcome]:
        yield Done(next(items), {"lengths": {"length": 1}})
        raise StoreUnavailableError("the disk does not answer")

    with pytest.raises(StoreUnavailableError, match="does not answer"):
        increment(tables, inputs_of(**TEXTS), broken)
    assert not tables.exists(LENGTHS, DAY)


def test_an_interrupted_process_is_closed(tables: ParquetTables) -> None:
    process = Measuring()

    def interrupt(done: int, _total: int) -> None:
        if done:
            raise KeyboardInterrupt

    target = Target(LENGTHS, Recipe({}), key="name")
    with pytest.raises(KeyboardInterrupt):
        run_increment(
            tables,
            target,
            DAY,
            lambda: inputs_of(**TEXTS),
            process,
            chunk_size=CHUNK_SIZE,
            on_progress=interrupt,
        )
    assert process.is_closed
    assert len(process.asked) == CHUNK_SIZE


def test_finished_chunks_of_an_interrupted_run_are_not_computed_again(tables: ParquetTables) -> None:
    with pytest.raises(KeyboardInterrupt):
        increment(tables, inputs_of(**TEXTS), Measuring(stop_after=4))
    process = Measuring()
    (report,) = increment(tables, inputs_of(**TEXTS), process)
    assert process.asked == ["d", "e"]
    assert (report.accepted, report.rejected) == (4, 1)


def test_chunks_are_put_together_as_they_come(tables: ParquetTables) -> None:
    texts = {f"{number:04}": "x" * (number % 9) for number in range(600)}
    with pytest.raises(KeyboardInterrupt):
        increment(tables, inputs_of(**texts), Measuring(stop_after=599))
    assert len(list(tables.store.list(checkpoint_prefix(LENGTHS.name, DAY)))) < 64
    process = Measuring()
    (report,) = increment(tables, inputs_of(**texts), process)
    # What was finished since the last chunk, and no more.
    assert len(process.asked) <= CHUNK_SIZE
    assert (report.accepted, report.rejected) == (533, 67)
    assert list(tables.store.list("tables/_checkpoints")) == []


def test_a_row_in_two_chunks_counts_once(tables: ParquetTables) -> None:
    with pytest.raises(KeyboardInterrupt):
        increment(tables, inputs_of(**TEXTS), Measuring(stop_after=4))
    (chunk,) = [info.key for info in tables.store.list(checkpoint_prefix(LENGTHS.name, DAY))]
    tables.store.copy(chunk, ObjectKey(chunk.replace(".parquet", "-again.parquet")))
    process = Measuring()
    (report,) = increment(tables, inputs_of(**TEXTS), process)
    assert (report.accepted, report.computed, report.reused) == (4, 2, 2)
    assert sorted(lengths(tables)) == sorted(name for name, text in TEXTS.items() if text)


def test_no_checkpoint_is_left_behind_a_commit(tables: ParquetTables) -> None:
    with pytest.raises(KeyboardInterrupt):
        increment(tables, inputs_of(**TEXTS), Measuring(stop_after=4))
    assert list(tables.store.list(checkpoint_prefix(LENGTHS.name, DAY)))
    increment(tables, inputs_of(**TEXTS), Measuring())
    assert list(tables.store.list("tables/_checkpoints")) == []


def test_checkpoints_of_another_recipe_are_dropped(tables: ParquetTables) -> None:
    with pytest.raises(KeyboardInterrupt):
        increment(tables, inputs_of(**TEXTS), Measuring(stop_after=4))
    process = Measuring()
    increment(tables, inputs_of(**TEXTS), process, recipe="2")
    assert len(process.asked) == 5
    assert list(tables.store.list("tables/_checkpoints")) == []


def test_checkpoints_are_committed_even_when_nothing_is_left_to_compute(tables: ParquetTables) -> None:
    with pytest.raises(KeyboardInterrupt):
        increment(tables, inputs_of(**TEXTS), Measuring(stop_after=4))
    process = Measuring()
    increment(tables, inputs_of(a="one", b="three", c=""), process)
    assert process.asked == []
    assert lengths(tables) == {"a": 3, "b": 5}


@pytest.mark.parametrize("is_interrupted", [False, True], ids=["whole", "interrupted"])
def test_rows_of_an_older_shape_are_stale_and_not_fatal(tables: ParquetTables, is_interrupted: bool) -> None:
    increment(tables, inputs_of(**TEXTS), Measuring(), into=(OLDER,))
    if is_interrupted:
        with pytest.raises(KeyboardInterrupt):
            increment(tables, inputs_of(**TEXTS), Measuring(stop_after=4))
    (report,) = increment(tables, inputs_of(**TEXTS), Measuring())
    assert (report.accepted, report.rejected) == (4, 1)
    assert lengths(tables) == {"a": 3, "b": 5, "d": 5, "e": 6}


def test_checkpoints_of_an_older_shape_are_stale_and_not_fatal(tables: ParquetTables) -> None:
    with pytest.raises(KeyboardInterrupt):
        increment(tables, inputs_of(**TEXTS), Measuring(stop_after=4), into=(OLDER,))
    process = Measuring()
    increment(tables, inputs_of(**TEXTS), process)
    assert len(process.asked) == 5


def test_rejections_of_an_older_shape_are_stale_and_not_fatal(scenario: "Scenario", tables: ParquetTables) -> None:
    increment(tables, inputs_of(**TEXTS), Measuring())
    rejections = rejections_of(LENGTHS)
    older = tables.read(rejections, DAY).drop("detail", "size_bytes").with_columns(recipe_version=pl.lit("older"))
    scenario.rewrite(rejections, older)
    process = Measuring()
    increment(tables, inputs_of(**TEXTS), process)
    assert process.asked == ["c"]
    assert tables.read(rejections, DAY).get_column("detail").to_list() == ["no text"]


def test_a_damaged_table_stops_the_run_and_is_named(tables: ParquetTables) -> None:
    increment(tables, inputs_of(**TEXTS), Measuring())
    file = Path(tables.store.uri(table_key(LENGTHS.name, DAY)))
    file.write_bytes(b"damaged")
    with pytest.raises(TableError, match=str(file)):
        increment(tables, inputs_of(**TEXTS), Measuring())
    assert file.read_bytes() == b"damaged"


def test_a_day_that_was_deleted_is_computed_again(tables: ParquetTables) -> None:
    increment(tables, inputs_of(**TEXTS), Measuring())
    tables.store.delete(table_key(LENGTHS.name, DAY))
    process = Measuring()
    increment(tables, inputs_of(**TEXTS), process)
    assert process.asked == ["a", "b", "d", "e"]


@pytest.mark.parametrize(
    "other",
    [Recipe({"a": 1, "b": 3}), Recipe({"a": 1}), Recipe({"a": 1, "b": {"c": 2}}), Recipe({"a": 1, "b": b"2"})],
)
def test_another_parameter_is_another_recipe(other: Recipe) -> None:
    assert other.version != Recipe({"a": 1, "b": 2}).version


def test_the_order_of_parameters_is_no_difference() -> None:
    assert Recipe({"a": 1, "b": 2}).version == Recipe({"b": 2, "a": 1}).version


def test_a_recipe_of_something_that_has_no_lasting_name_is_refused() -> None:
    recipe = Recipe({"encoder": object()})
    with pytest.raises(TypeError, match="plain values"):
        assert recipe.version
