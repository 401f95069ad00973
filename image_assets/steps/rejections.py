"""All rejections of a day in one table: one row per file, at the first stage that refused it."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.tables.rejections import REJECTED_IMAGES, rejections_table


def gather_rejections(tables: ParquetTables, day: date, stages: Sequence[str]) -> bool:
    """Bring `rejected_images` of a day in line with the stages, in pipeline order; say whether it changed."""
    found = [tables.read_or_empty(rejections_table(stage), day) for stage in stages]
    rows = pl.concat(found).unique("item", keep="first", maintain_order=True)
    return tables.replace_if_changed(REJECTED_IMAGES, day, rows)
