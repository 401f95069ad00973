"""Photos that came under two labels are pointed out."""

from datetime import date, datetime

import dagster as dg

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.checks.daily_check import daily_check
from image_assets.steps.audits.day_audits import Audit, audit_label_conflicts
from image_assets.tables.duplicates import DUPLICATE_IMAGES


def label_conflicts_check(partitions: dg.DailyPartitionsDefinition) -> dg.AssetChecksDefinition:
    """A warning: the decision is a person's."""
    description = "No photo came under two labels; decide with: image-assets duplicates --conflicts."
    name = "label_conflicts"
    return daily_check(partitions, DUPLICATE_IMAGES.name, name, description, _audit, is_blocking=False)


def _audit(tables: ParquetTables, day: date, _: datetime) -> Audit:
    return audit_label_conflicts(tables, day)
