"""Certificates of erasures: which images were erased, so that the door refuses them when they come again."""

from datetime import date

import polars as pl

from image_assets.ids import ImageId
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.tables.upkeep import ERASED_COPIES, ERASURES


def find_certificates(tables: ParquetTables, image_id: ImageId) -> pl.DataFrame:
    """What is left of an erased image; no row when it never was."""
    found = [certificates_of(tables, day, image_id) for day in tables.days(ERASURES.name)]
    return pl.concat([ERASURES.no_rows, *found])


def certificates_of(tables: ParquetTables, day: date, image_id: ImageId) -> pl.DataFrame:
    """The certificate of an image, no row or one."""
    return tables.read_or_empty(ERASURES, day).filter(pl.col("image_id") == image_id)


def copies_of(tables: ParquetTables, day: date, image_id: ImageId) -> pl.DataFrame:
    """What became of the copies of an erased image, a row for each place."""
    return tables.read_or_empty(ERASED_COPIES, day).filter(pl.col("image_id") == image_id)


def erased_ids(tables: ParquetTables, day: date) -> dict[ImageId, date]:
    """Images of a day that must not come back, and since when."""
    if not tables.exists(ERASURES, day):
        # Of nearly every day nothing was erased; each upload asks several times, and an empty table costs milliseconds.
        return {}
    rows = tables.read_or_empty(ERASURES, day).select("image_id", pl.col("begun_at").dt.date())
    return dict(rows.iter_rows())
