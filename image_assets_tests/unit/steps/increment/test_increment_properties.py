"""Whatever arrives, leaves, changes or breaks: the day ends like a day computed from scratch."""

import tempfile
from contextlib import suppress
from datetime import date
from pathlib import Path

import dataframely as dy
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from image_assets.compute.outcomes import Done, Failed
from image_assets.errors import ImageError, RejectionReason, StoreUnavailableError
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.increment.frame import settle_frame
from image_assets.steps.increment.recipe import Recipe
from image_assets.steps.increment.stock import Target
from image_assets.steps.increment.stream import run_increments
from image_assets.tables.rejections import rejections_of
from image_assets.tables.table import Table

DAY = date(2026, 10, 1)
CHUNK = 3


class Squares(dy.Schema):
    """A table for the tests."""

    image_id = dy.String(primary_key=True)
    day = dy.Date()
    value = dy.Int64()
    input_version = dy.String()
    recipe_version = dy.String()
    processed_at = dy.Datetime(time_unit="us", time_zone="UTC")


TABLES = (Table("squares", Squares), Table("cubes", Squares))


class Interrupted(Exception):
    """Stands for a kill: nothing after it happens."""


def image_id(number):
    return f"00000000-0000-5000-8000-{number:012}"


def inputs_of(files):
    rows = [(image_id(n), f"landing/{n}", str(content), content) for n, content in sorted(files.items())]
    schema = {"image_id": pl.String, "source_uri": pl.String, "input_version": pl.String, "content": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def process(powers, budget=None):
    """Raise contents to each table's power; multiples of five are bad images."""

    def run(items):
        for done, item in enumerate(items):
            if budget is not None and done >= budget:
                raise Interrupted
            content = item.row["content"]
            if content % 5 == 0:
                yield Failed(item, ImageError(RejectionReason.CORRUPT, f"{content} is bad"))
            else:
                yield Done(item, {name: {"value": content ** powers[name]} for name in item.wanted})

    return run


def increment(tables, files, powers, budget=None):
    targets = [Target(table, Recipe({"power": powers[table.name]})) for table in TABLES]
    return run_increments(tables, targets, DAY, lambda: inputs_of(files), process(powers, budget), chunk_size=CHUNK)


def state(tables):
    drop = "processed_at"
    return [
        tables.read_or_empty(table, DAY).drop(drop).rows() for each in TABLES for table in (each, rejections_of(each))
    ]


def bytes_on_disk(root):
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in root.rglob("*") if path.is_file()}


number = st.integers(0, 12)
step = st.one_of(
    st.tuples(st.just("arrive"), st.dictionaries(number, st.integers(1, 30), min_size=1)),
    st.tuples(st.just("leave"), st.sets(number, min_size=1)),
    st.tuples(st.just("recipe"), st.sampled_from(["squares", "cubes"])),
    st.tuples(st.just("interrupt"), st.integers(0, 10)),
    st.tuples(st.just("run"), st.none()),
)


def apply(kind, argument, files, powers):
    if kind == "arrive":
        files.update(argument)
    elif kind == "leave":
        for gone in argument:
            files.pop(gone, None)
    elif kind == "recipe":
        powers[argument] += 1


@settings(max_examples=60, deadline=None)
@given(history=st.lists(step, max_size=8))
def test_any_history_ends_like_a_day_computed_from_scratch(scenarios, history):
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as fresh:
        tables = ParquetTables(scenarios.HastyStore(Path(folder)))
        files, powers = {}, {"squares": 2, "cubes": 3}
        for kind, argument in history:
            apply(kind, argument, files, powers)
            if kind in {"run", "interrupt"}:
                with suppress(Interrupted):
                    increment(tables, files, powers, budget=argument)
        increment(tables, files, powers)
        scratch = ParquetTables(scenarios.HastyStore(Path(fresh)))
        increment(scratch, files, powers)
        assert state(tables) == state(scratch)
        assert not list(tables.store.list("tables/_checkpoints"))
        before = bytes_on_disk(Path(folder))
        reports = increment(tables, files, powers, budget=0)
        assert all(report.is_unchanged for report in reports)
        assert bytes_on_disk(Path(folder)) == before


def squared_as_a_frame(tables, files, powers):
    """The squares of good images, made at once."""

    def made(missing):
        return missing.select("image_id", value=pl.col("content") ** powers["squares"])

    target = Target(TABLES[0], Recipe({"power": powers["squares"]}))
    return settle_frame(tables, target, DAY, lambda: inputs_of(files), made)


good = st.integers(1, 30).filter(lambda content: content % 5)
framed = st.one_of(
    st.tuples(st.just("arrive"), st.dictionaries(number, good, min_size=1)),
    st.tuples(st.just("leave"), st.sets(number, min_size=1)),
    st.tuples(st.just("recipe"), st.just("squares")),
    st.tuples(st.just("interrupt"), st.integers(0, 10)),
    st.tuples(st.just("kill"), st.integers(0, 5)),
    st.tuples(st.just("run"), st.none()),
)


@settings(max_examples=60, deadline=None)
@given(history=st.lists(framed, max_size=8))
def test_a_frame_ends_any_history_like_a_day_computed_from_scratch(scenarios, history):
    """Whatever earlier runs left, be they cut off item by item or killed at any change of the storage."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as fresh:
        tables = ParquetTables(scenarios.HastyStore(Path(folder)))
        files, powers = {}, {"squares": 2, "cubes": 3}
        for kind, argument in history:
            apply(kind, argument, files, powers)
            with suppress(Interrupted, StoreUnavailableError):
                if kind == "interrupt":
                    increment(tables, files, powers, budget=argument)
                elif kind in {"kill", "run"}:
                    store = scenarios.MortalStore(Path(folder), [argument]) if kind == "kill" else tables.store
                    squared_as_a_frame(ParquetTables(store), files, powers)
        squared_as_a_frame(tables, files, powers)
        scratch = ParquetTables(scenarios.HastyStore(Path(fresh)))
        squared_as_a_frame(scratch, files, powers)
        assert state(tables)[:2] == state(scratch)[:2]
        assert not list(tables.store.list("tables/_checkpoints/squares"))
        before = bytes_on_disk(Path(folder))
        assert squared_as_a_frame(tables, files, powers).is_unchanged
        assert bytes_on_disk(Path(folder)) == before
