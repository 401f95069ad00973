"""Every original is there and is what was taken in, as far as anybody has looked."""

from datetime import date, datetime

import dagster as dg

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.checks.daily_check import daily_check
from image_assets.steps.audits.day_audits import Audit
from image_assets.steps.audits.originals import audit_originals
from image_assets.tables.images import BRONZE_IMAGES


def originals_check(partitions: dg.DailyPartitionsDefinition) -> dg.AssetChecksDefinition:
    """A lost original is a warning on each run of its day until it is restored or erased."""
    description = "No original is gone or damaged; image-assets repair restores it if its bytes are anywhere else."
    return daily_check(partitions, BRONZE_IMAGES.name, "originals_whole", description, _audit, is_blocking=False)


def _audit(tables: ParquetTables, day: date, _: datetime) -> Audit:
    return audit_originals(tables, day)
