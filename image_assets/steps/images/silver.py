"""Silver: one decode of each accepted original makes the cleansed image, its thumbnail and its preview."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from functools import partial
from typing import Any, Unpack

import polars as pl

from image_assets.compute.engine import Engine
from image_assets.ids import ImageId, ObjectKey, Sha256
from image_assets.imaging.derivatives import DerivativeParams
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.images.derivation import Original, derive
from image_assets.steps.increment.backing import Backing
from image_assets.steps.increment.increment import IncrementReport
from image_assets.steps.increment.outcome import Item
from image_assets.steps.increment.pace import Pace
from image_assets.steps.increment.recipe import Recipe, with_versions
from image_assets.steps.increment.stock import Target
from image_assets.steps.increment.stream import run_increments
from image_assets.steps.increment.workers import in_workers, on_objects
from image_assets.tables.images import (
    BRONZE_IMAGES,
    PATH_COLUMNS,
    SILVER_IMAGES,
    THUMBNAILS,
    WATERMARKED_PREVIEWS,
)
from image_assets.tables.table import Table

DERIVED_TABLES = (SILVER_IMAGES, THUMBNAILS, WATERMARKED_PREVIEWS)
_CODE_VERSION = 3


def derive_day(
    tables: ParquetTables,
    day: date,
    params: DerivativeParams,
    engine: Engine,
    *,
    wanted: Collection[Table] = DERIVED_TABLES,
    **pace: Unpack[Pace],
) -> list[IncrementReport]:
    """Bring the wanted derivatives of a day in line with `bronze_images`."""
    targets = [target for target in derivative_targets(params) if target.table in wanted]
    work = on_objects(partial(derive, params=params), tables.store, _keys)
    process = in_workers(engine, work, partial(_original, day=day))
    inputs = partial(derivative_inputs, tables, day)
    return run_increments(tables, targets, day, inputs, process, **pace)


def derivative_recipes(params: DerivativeParams) -> Mapping[str, Recipe]:
    """A recipe per table: a new watermark text makes previews stale and nothing else."""
    parts: dict[str, Any] = asdict(params)
    return {
        table.name: Recipe({"code": _CODE_VERSION, **parts[part]})
        for table, part in zip(DERIVED_TABLES, ("silver", "thumbnail", "preview"), strict=True)
    }


def derivative_targets(params: DerivativeParams) -> list[Target]:
    """What is wanted of each table of derivatives."""
    recipes = derivative_recipes(params)
    return [Target(table, recipes[table.name], backing=Backing(PATH_COLUMNS[table.name])) for table in DERIVED_TABLES]


def derivative_inputs(tables: ParquetTables, day: date) -> pl.DataFrame:
    """The originals of a day."""
    columns = ["image_id", "source_uri", "sha256", "size_bytes", "raw_path"]
    return with_versions(tables.read(BRONZE_IMAGES, day).select(columns), ["sha256", "raw_path"])


def _original(item: Item, day: date) -> Original:
    row = item.row
    image_id, sha256 = ImageId(str(row["image_id"])), Sha256(str(row["sha256"]))
    return Original(image_id, day, ObjectKey(str(row["raw_path"])), sha256, item.wanted)


def _keys(original: Original) -> Sequence[ObjectKey]:
    return [original.raw_path]
