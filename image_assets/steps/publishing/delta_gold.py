"""Gold, predictions and vectors to Delta tables, day by day."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.publishing.delta_table import DailyDeltaTable, Tidied
from image_assets.steps.images.certificates import erased_ids
from image_assets.steps.increment.recipe import version_of
from image_assets.steps.publishing.places import delta_place, remember_place
from image_assets.steps.vectors.stored_vectors import vectors_of
from image_assets.tables.embeddings import IMAGE_EMBEDDINGS
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.predictions import ALL_PREDICTIONS, IMAGE_PREDICTIONS

DELTA_TABLES: Final = (GOLD_IMAGES.name, IMAGE_PREDICTIONS, IMAGE_EMBEDDINGS)
"""Vectors are apart: who reads gold into a report wants none of them."""

CODE_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """What became of a day of one table; `rows` is None where it held them already."""

    name: str
    rows: int | None


@dataclass(frozen=True, slots=True)
class _Offer:
    """A day of a table: what decides its rows, and how they are read."""

    name: str
    version: str
    read: Callable[[], pl.DataFrame]


def publish_delta(
    tables: ParquetTables, day: date, encoder: EncoderDescription, place: str
) -> Sequence[PublishedTable]:
    """Bring the day of each table in line with the lake; a day that holds its rows already is not written.

    Raises:
        ConfigurationError: something else lies there.
        StoreUnavailableError: the place does not answer.
    """
    remember_place(tables.store, delta_place(place))
    return [_publish(DailyDeltaTable(place, each.name), day, each) for each in _offers(tables, day, encoder)]


def tidy_delta(place: str, keep_hours: int) -> dict[str, Tidied]:
    """Housekeeping of each table; see `DailyDeltaTable.tidy`."""
    return {name: DailyDeltaTable(place, name).tidy(keep_hours) for name in DELTA_TABLES}


def examine_delta_place(place: str) -> str:
    """What is there, in words; see `DailyDeltaTable.examine`."""
    return f"{place} can be written; " + "; ".join(DailyDeltaTable(place, name).examine() for name in DELTA_TABLES)


def _publish(table: DailyDeltaTable, day: date, offer: _Offer) -> PublishedTable:
    if table.has_version(day, offer.version):
        return PublishedTable(offer.name, None)
    rows = offer.read()
    table.replace_day(day, offer.version, rows)
    return PublishedTable(offer.name, rows.height)


def _offers(tables: ParquetTables, day: date, encoder: EncoderDescription) -> Sequence[_Offer]:
    # What decides is looked at first: what is read later may be newer, never older, and is then published once more.
    erased = sorted(erased_ids(tables, day))
    predictions = [key for key in tables.files(IMAGE_PREDICTIONS) if object_keys.day_of(key) == day]
    vectors = vectors_of(tables, encoder)

    def version(*decides: object) -> str:
        return version_of(CODE_VERSION, erased, *decides)

    def without_erased(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.filter(~pl.col("image_id").is_in(erased))

    def read_vectors() -> pl.DataFrame:
        images = vectors.identities(day).select("image_id", day=pl.lit(day))
        return vectors.read_whole(images).with_columns(encoder=pl.lit(encoder.name))

    def read_predictions() -> pl.DataFrame:
        columns = ALL_PREDICTIONS.schema.create_empty()
        return tables.scan_files(predictions, columns.columns) if predictions else columns

    gold = version(tables.version(GOLD_IMAGES.name, day))
    predicted = version([(key, tables.store.version(key)) for key in predictions])
    embedded = version(encoder.name, vectors.recipe_version, vectors.versions.get(day.isoformat()))
    return [
        _Offer(GOLD_IMAGES.name, gold, lambda: without_erased(tables.read(GOLD_IMAGES, day))),
        _Offer(IMAGE_PREDICTIONS, predicted, lambda: without_erased(read_predictions())),
        _Offer(IMAGE_EMBEDDINGS, embedded, lambda: without_erased(read_vectors())),
    ]
