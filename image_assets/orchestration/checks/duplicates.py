"""Every image was compared, and photos that came under two labels are pointed out."""

from collections.abc import Iterator
from datetime import date, datetime

import dagster as dg

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.checks.daily_check import daily_check
from image_assets.steps.audits.day_audits import Audit, audit_label_conflicts, audit_stage
from image_assets.tables.duplicates import DUPLICATE_IMAGES
from image_assets.tables.images import SILVER_IMAGES


def duplicate_checks() -> Iterator[dg.AssetChecksDefinition]:
    """Conservation stops what follows in the run; label conflicts warn."""
    name = DUPLICATE_IMAGES.name
    description = f"Every image of {SILVER_IMAGES.name} is a row here; run the day again if one is missing."
    yield daily_check(name, "conservation", description, _audit_conservation)
    description = "No photo came under two labels; decide with: image-assets duplicates --conflicts."
    yield daily_check(name, "label_conflicts", description, _audit_conflicts, is_blocking=False)


def _audit_conservation(tables: ParquetTables, day: date, _: datetime) -> Audit:
    return audit_stage(tables, SILVER_IMAGES.name, DUPLICATE_IMAGES.name, day)


def _audit_conflicts(tables: ParquetTables, day: date, _: datetime) -> Audit:
    return audit_label_conflicts(tables, day)
