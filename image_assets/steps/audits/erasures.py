"""What must be true of erasures: nothing that was erased comes back."""

from datetime import date

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.audits.day_audits import Audit
from image_assets.steps.images.certificates import erased_ids
from image_assets.steps.upkeep.erasure import pictures_of
from image_assets.tables.images import BRONZE_IMAGES


def audit_erasures(tables: ParquetTables, day: date) -> Audit:
    """No image that was erased, or whose erasure was begun, has a row or a file again."""
    erased = erased_ids(tables, day)
    there = {*tables.read_column(BRONZE_IMAGES.name, day, "image_id")} if erased else set()
    back = [name for name in erased if name in there or next(pictures_of(tables, name, day), None)]
    problems = [f"{name} was erased and is there: image-assets erase {name}" for name in back]
    return Audit(len(erased), tuple(problems))
