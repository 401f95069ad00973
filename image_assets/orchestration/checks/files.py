"""Every derivative is there, no larger than allowed, and holds pixels only."""

from collections.abc import Iterator
from datetime import date, datetime
from functools import partial

import dagster as dg

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.checks.daily_check import daily_check
from image_assets.steps.audits import Audit, audit_derivatives
from image_assets.tables.images import (
    PREVIEW_MAX_SIDE_PX,
    SILVER_IMAGES,
    SILVER_MAX_SIDE_PX,
    THUMBNAIL_MAX_SIDE_PX,
    THUMBNAILS,
    WATERMARKED_PREVIEWS,
)
from image_assets.tables.table import Table

_FILES = (
    (SILVER_IMAGES, "cleansed_path", SILVER_MAX_SIDE_PX),
    (THUMBNAILS, "thumbnail_path", THUMBNAIL_MAX_SIDE_PX),
    (WATERMARKED_PREVIEWS, "preview_path", PREVIEW_MAX_SIDE_PX),
)


def file_checks() -> Iterator[dg.AssetChecksDefinition]:
    """One check per table of derivatives."""
    for table, column, max_side_px in _FILES:
        description = (
            f"Every file is there, at most {max_side_px} px long, and holds no EXIF, XMP, IPTC, profile, comment; "
            "image-assets repair --day makes them anew."
        )
        audit = partial(_audit_files, table, column, max_side_px)
        yield daily_check(table.name, "pixels_only", description, audit)


def _audit_files(table: Table, column: str, max_side_px: int, tables: ParquetTables, day: date, _: datetime) -> Audit:
    return audit_derivatives(tables, table, column, max_side_px, day)
