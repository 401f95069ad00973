"""Every derivative is there, no larger than allowed, and holds pixels only.

The worker that makes one proves that before it writes it. So a run reads back a few of a day, others each time, to see
that the storage holds them; the check run by itself reads them all.
"""

from collections.abc import Iterator
from datetime import date, datetime
from functools import partial

import dagster as dg

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.checks.daily_check import daily_check
from image_assets.steps.audits.day_audits import Audit, audit_derivatives
from image_assets.tables.images import (
    PREVIEW_MAX_SIDE_PX,
    SILVER_IMAGES,
    SILVER_MAX_SIDE_PX,
    THUMBNAIL_MAX_SIDE_PX,
    THUMBNAILS,
    WATERMARKED_PREVIEWS,
)
from image_assets.tables.table import Table

_FILES_PER_DAY = 32
_FILES = (
    (SILVER_IMAGES, "cleansed_path", SILVER_MAX_SIDE_PX),
    (THUMBNAILS, "thumbnail_path", THUMBNAIL_MAX_SIDE_PX),
    (WATERMARKED_PREVIEWS, "preview_path", PREVIEW_MAX_SIDE_PX),
)


def file_checks(partitions: dg.DailyPartitionsDefinition) -> Iterator[dg.AssetChecksDefinition]:
    """One check per table of derivatives."""
    for table, column, max_side_px in _FILES:
        description = (
            f"Every file is there, at most {max_side_px} px long, and holds no EXIF, XMP, IPTC, profile, comment. "
            f"Of a run's days it reads at most {_FILES_PER_DAY} files each; by itself, all files of all days. "
            "image-assets repair --day makes them anew."
        )
        few = partial(_audit_files, table, column, max_side_px, _FILES_PER_DAY)
        every = partial(_audit_files, table, column, max_side_px, None)
        yield daily_check(partitions, table.name, "pixels_only", description, few, by_itself=every)


def _audit_files(
    table: Table, column: str, max_side_px: int, at_most: int | None, tables: ParquetTables, day: date, began: datetime
) -> Audit:
    return audit_derivatives(tables, table, column, max_side_px, day, at_most, int(began.timestamp()))
