"""What must be true of originals: none is known to be damaged."""

from datetime import date

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.audits.day_audits import Audit
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.upkeep import DAMAGED_ORIGINALS


def audit_originals(tables: ParquetTables, day: date) -> Audit:
    """No original of the day is known to be gone or damaged."""
    rows = tables.read_or_empty(DAMAGED_ORIGINALS, day).select("key", "problem", "found_at").rows()
    problems = [
        f"{key} is {problem} since {found_at:%Y-%m-%d}: image-assets repair --day {day}"
        for key, problem, found_at in rows
    ]
    return Audit(tables.read_column(BRONZE_IMAGES.name, day, "image_id").len(), tuple(problems))
