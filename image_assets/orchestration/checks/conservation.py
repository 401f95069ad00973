"""No image is lost on the way: what came in is a row or a rejection of every layer."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import partial

import dagster as dg

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.checks.daily_check import daily_check
from image_assets.orchestration.keys import IMAGE_EMBEDDINGS
from image_assets.steps.audits.day_audits import Audit, audit_stage, audit_uploads
from image_assets.steps.images.silver import DERIVED_TABLES
from image_assets.tables.embeddings import embeddings_name
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES


def conservation_checks(encoder: str, enrichment: Mapping[str, str]) -> Iterator[dg.AssetChecksDefinition]:
    """One check at the door and one per stage: upstream table, the stage's table, its asset."""
    description = "Every upload is a bronze row or a rejected row; run the day again if one is missing."
    yield daily_check(BRONZE_IMAGES.name, "conservation", description, audit_uploads)
    stages = [(BRONZE_IMAGES.name, table.name, table.name) for table in DERIVED_TABLES]
    stages.append((SILVER_IMAGES.name, embeddings_name(encoder), IMAGE_EMBEDDINGS))
    stages += [(upstream, table, table) for table, upstream in enrichment.items()]
    for upstream, stage, asset in stages:
        description = f"Every image of {upstream} is a row or a rejection here; run the day again if one is missing."
        yield daily_check(asset, "conservation", description, partial(_audit_stage, upstream, stage))


def _audit_stage(upstream: str, stage: str, tables: ParquetTables, day: date, _: datetime) -> Audit:
    return audit_stage(tables, upstream, stage, day)
