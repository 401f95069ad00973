"""Text in images, read from the originals, because small print is gone from the cleansed images."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from functools import partial
from typing import Unpack

from image_assets.compute.engine import Engine
from image_assets.ids import ImageId, ObjectKey, Sha256
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.captioning.text_reader import TextParams, reader_name
from image_assets.steps.enrichment.text_reading import Readable, read_text
from image_assets.steps.images.silver import derivative_inputs
from image_assets.steps.increment.increment import IncrementReport
from image_assets.steps.increment.outcome import Item
from image_assets.steps.increment.pace import Pace
from image_assets.steps.increment.recipe import Recipe
from image_assets.steps.increment.stock import Target
from image_assets.steps.increment.stream import run_increment
from image_assets.steps.increment.workers import in_workers, on_objects
from image_assets.tables.enrichment import IMAGE_TEXT

_CODE_VERSION = 2


def read_day(
    tables: ParquetTables,
    day: date,
    params: TextParams,
    engine: Engine,
    **pace: Unpack[Pace],
) -> IncrementReport:
    """Bring `image_text` of a day in line with `bronze_images`.

    Raises:
        ConfigurationError: the extra is not installed.
    """
    target, reader = text_target(params), reader_name()
    work = on_objects(partial(read_text, params=params, reader=reader), tables.store, _keys)
    process = in_workers(engine, work, _readable)
    inputs = partial(derivative_inputs, tables, day)
    return run_increment(tables, target, day, inputs, process, **pace)


def text_target(params: TextParams) -> Target:
    """What is wanted of the text."""
    return Target(IMAGE_TEXT, Recipe({"code": _CODE_VERSION, "reader": reader_name(), **asdict(params)}))


def leave_unread(tables: ParquetTables, day: date) -> int:
    """Keep what was read of a day, write the table empty if there is none yet; returns its rows."""
    if not tables.exists(IMAGE_TEXT, day):
        tables.replace(IMAGE_TEXT, day, IMAGE_TEXT.schema.create_empty())
    return tables.read(IMAGE_TEXT, day).height


def _keys(original: Readable) -> Sequence[ObjectKey]:
    return [original.raw_path]


def _readable(item: Item) -> Readable:
    row = item.row
    return Readable(ImageId(str(row["image_id"])), ObjectKey(str(row["raw_path"])), Sha256(str(row["sha256"])))
