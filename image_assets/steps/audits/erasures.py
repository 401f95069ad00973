"""What must be true of erasures: nothing that was erased comes back."""

from datetime import date

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.audits.day_audits import Audit
from image_assets.steps.images.certificates import erased_ids
from image_assets.steps.upkeep.erasure import came_back


def audit_erasures(tables: ParquetTables, day: date) -> Audit:
    """No image that was erased, or whose erasure was begun, has a row or a file again."""
    problems = [f"{name} was erased and is there: image-assets erase {name}" for name in came_back(tables, day)]
    return Audit(len(erased_ids(tables, day)), tuple(problems))
