"""What was erased stays away, even when a run was under way meanwhile."""

from datetime import date, datetime

import dagster as dg

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.checks.daily_check import daily_check
from image_assets.steps.audits.day_audits import Audit
from image_assets.steps.audits.erasures import audit_erasures
from image_assets.tables.images import BRONZE_IMAGES


def erasure_check(partitions: dg.DailyPartitionsDefinition) -> dg.AssetChecksDefinition:
    """No erased image is in bronze again."""
    description = "No image that was erased has a row again; erase it again if one has: its certificate stays."
    return daily_check(partitions, BRONZE_IMAGES.name, "erased_stay_erased", description, _audit)


def _audit(tables: ParquetTables, day: date, _: datetime) -> Audit:
    return audit_erasures(tables, day)
