"""Steps that look at the cleansed images, a batch at a time; what cannot be decoded is rejected."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date
from functools import partial
from itertools import islice
from typing import Unpack

import polars as pl

from image_assets.compute.outcomes import Done, Failed
from image_assets.errors import ImageError
from image_assets.ids import ObjectKey
from image_assets.imaging.pixels import RgbImage
from image_assets.imaging.read_back import read_pixels
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.images.original import read_verified
from image_assets.steps.increment.increment import IncrementReport
from image_assets.steps.increment.outcome import Item, Outcome
from image_assets.steps.increment.pace import Pace
from image_assets.steps.increment.read_ahead import map_ahead, reads_at_once
from image_assets.steps.increment.stock import Target
from image_assets.steps.increment.stream import run_increment

_PICTURES_AT_ONCE = 64


def work_on_pictures(
    tables: ParquetTables,
    day: date,
    inputs: Callable[[], pl.DataFrame],
    target: Target,
    work: Callable[[Sequence[RgbImage]], Sequence[Mapping[str, object]]],
    **pace: Unpack[Pace],
) -> IncrementReport:
    """Bring a table of a day in line with the inputs, which name their `cleansed_path`; `work` makes a row of each."""

    def process(items: Iterator[Item]) -> Generator[Outcome]:
        decoding = map_ahead(partial(_decoded, tables.store), items, _PICTURES_AT_ONCE, reads_at_once(tables.store))
        with closing(decoding) as decoded:
            while found := list(islice(decoded, _PICTURES_AT_ONCE)):
                yield from (each for each in found if isinstance(each, Failed))
                pictures = [each for each in found if not isinstance(each, Failed)]
                rows = work([pixels for _, pixels in pictures]) if pictures else []
                for (item, _), columns in zip(pictures, rows, strict=True):
                    yield Done(item, {target.table.name: columns})

    return run_increment(tables, target, day, inputs, process, **pace)


def _decoded(store: ObjectStore, item: Item) -> tuple[Item, RgbImage] | Failed[Item]:
    try:
        data = read_verified(store, ObjectKey(str(item.row["cleansed_path"])), str(item.row["cleansed_sha256"]))
        return item, read_pixels(data)
    except ImageError as error:
        return Failed(item, error)
