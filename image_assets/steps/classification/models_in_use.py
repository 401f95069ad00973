"""Which models have predicted, in the order in which they came into use, and whose predictions a day shows.

A model that came into use yesterday has not judged the days before. Until it has, each of them keeps the predictions
of the newest model that did, as a day keeps the vectors of the encoder before.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

from image_assets.errors import TableError
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.optimism import until_first
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.records import read_record, write_record
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import SILVER_IMAGES
from image_assets.tables.predictions import predictions_table
from image_assets.tables.rejections import rejections_of


@dataclass(frozen=True, slots=True)
class _ModelInUse:
    """The version that predicted last, and those before it, latest first."""

    model_version: str
    predecessors: tuple[str, ...] = ()


def model_in_use(store: ObjectStore) -> str | None:
    """The version that predicted last; None before any did."""
    return next(iter(models_in_use(store)), None)


def models_in_use(store: ObjectStore) -> tuple[str, ...]:
    """Every version that has predicted, the last one first."""
    if not store.exists(object_keys.MODEL_IN_USE):
        return ()
    remedy = "delete it and run a day again"
    found = read_record(store, object_keys.MODEL_IN_USE, _ModelInUse, TableError, remedy)
    return (found.model_version, *found.predecessors)


def put_in_use(store: ObjectStore, model_version: str) -> None:
    """Note that a version has predicted; it comes before all others."""

    def noted() -> None:
        there, former = store.version(object_keys.MODEL_IN_USE), models_in_use(store)
        if former[:1] != (model_version,):
            others = tuple(each for each in former if each != model_version)
            write_record(store, object_keys.MODEL_IN_USE, _ModelInUse(model_version, others), over=there)

    until_first(noted)


def models_of(tables: ParquetTables, day: date) -> list[str]:
    """The versions that have judged a day, the one that came into use last first."""
    known = models_in_use(tables.store)
    shown = tables.read_column(GOLD_IMAGES.name, day, "model_version").drop_nulls().unique(maintain_order=True)
    return [each for each in dict.fromkeys([*known, *shown]) if tables.exists(predictions_table(each), day)]


def current_model(tables: ParquetTables, day: date) -> str | None:
    """Whose predictions a day's readers get: the newest that has judged all of its images, else as many as any has."""
    images = tables.read_column(SILVER_IMAGES.name, day, "image_id")
    judged: dict[str, int] = {}
    for version in models_of(tables, day):
        judged[version] = _judged(tables, day, version, images)
        if judged[version] == images.len():
            return version
    return max(judged, key=lambda version: judged[version], default=None)


def _judged(tables: ParquetTables, day: date, version: str, images: pl.Series) -> int:
    """How many of the images a version has judged; those that it could not read are judged too."""
    table = predictions_table(version)
    known = [tables.read_column(each.name, day, "image_id") for each in (table, rejections_of(table))]
    return int(images.is_in(pl.concat(known).implode()).sum())
