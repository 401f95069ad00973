"""One increment in a process of its own: `double_day.py ROOT TRACE ITEMS DELAY_S` traces each item that it meets.

With `frame` as last argument it makes them as one frame.
"""

import sys
import time
from collections.abc import Generator, Iterator
from datetime import date
from pathlib import Path

import dataframely as dy
import polars as pl

from image_assets.compute.outcomes import Done
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.increment.frame import settle_frame
from image_assets.steps.increment.increment import IncrementReport
from image_assets.steps.increment.outcome import Item, Outcome, Process
from image_assets.steps.increment.recipe import Recipe
from image_assets.steps.increment.stock import Target
from image_assets.steps.increment.stream import run_increment
from image_assets.tables.table import Table

DAY = date(2026, 10, 1)
CHUNK_SIZE = 4


class Doubles(dy.Schema):
    """Twice the number of each item."""

    image_id = dy.String(primary_key=True)
    day = dy.Date()
    value = dy.Int64()
    input_version = dy.String()
    recipe_version = dy.String()
    processed_at = dy.Datetime(time_unit="us", time_zone="UTC")


DOUBLES = Table("doubles", Doubles)


def inputs_of(count: int) -> pl.DataFrame:
    names = [f"{number:06}" for number in range(count)]
    return pl.DataFrame({"image_id": names, "source_uri": names, "input_version": ["1"] * count})


def doubling(trace: Path, delay_s: float) -> Process:
    def process(items: Iterator[Item]) -> Generator[Outcome]:
        for item in items:
            value = traced(str(item.row["image_id"]), trace, delay_s)
            yield Done(item, {DOUBLES.name: {"value": value}})

    return process


def traced(name: str, trace: Path, delay_s: float) -> int:
    with trace.open("a") as file:
        file.write(f"{name}\n")
    time.sleep(delay_s)
    return 2 * int(name)


def double_frame(root: Path, trace: Path, count: int, delay_s: float) -> IncrementReport:
    def doubled(missing: pl.DataFrame) -> pl.DataFrame:
        return missing.select(
            "image_id", value=pl.Series([traced(name, trace, delay_s) for name in missing["image_id"]])
        )

    tables, target = ParquetTables(LocalObjectStore(root)), Target(DOUBLES, Recipe({"times": 2}))
    return settle_frame(tables, target, DAY, lambda: inputs_of(count), doubled)


def double_day(root: Path, trace: Path, count: int, delay_s: float) -> IncrementReport:
    tables = ParquetTables(LocalObjectStore(root))
    target, process = Target(DOUBLES, Recipe({"times": 2})), doubling(trace, delay_s)
    return run_increment(tables, target, DAY, lambda: inputs_of(count), process, chunk_size=CHUNK_SIZE)


if __name__ == "__main__":
    run = double_frame if sys.argv[5:] == ["frame"] else double_day
    run(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
