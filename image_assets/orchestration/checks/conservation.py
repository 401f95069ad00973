"""No image is lost on the way: what came in is a row or a rejection of every layer."""

from collections.abc import Iterator
from datetime import date, datetime
from functools import partial

import dagster as dg

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.checks.daily_check import daily_check
from image_assets.steps.audits.day_audits import Audit, audit_stage, audit_uploads
from image_assets.steps.classification.models_in_use import models_of
from image_assets.tables.chain import LANDING, Chain
from image_assets.tables.embeddings import IMAGE_EMBEDDINGS, embeddings_name
from image_assets.tables.predictions import IMAGE_PREDICTIONS, predictions_table

NO_MODEL = Audit(0, ("no model has predicted yet: run the day",))


def conservation_checks(
    partitions: dg.DailyPartitionsDefinition, encoder: str, chain: Chain
) -> Iterator[dg.AssetChecksDefinition]:
    """One check at the door, and one for each table that has every image of another one, as the chain says."""
    for upstream, asset in ((stage.images_of, table.name) for stage in chain for table in stage.makes):
        if upstream == LANDING:
            description = "Every upload is a bronze row or a rejected row; run the day again if one is missing."
            yield daily_check(partitions, asset, "conservation", description, audit_uploads)
        elif upstream:
            shown = embeddings_name(encoder) if upstream == IMAGE_EMBEDDINGS else upstream
            description = f"Every image of {shown} is a row or a rejection here; run the day again if one is missing."
            audit = partial(_audit_stage, encoder, upstream, asset)
            yield daily_check(partitions, asset, "conservation", description, audit)


def _audit_stage(encoder: str, upstream: str, asset: str, tables: ParquetTables, day: date, _: datetime) -> Audit:
    above, here = (_table_of(name, encoder, tables, day) for name in (upstream, asset))
    return audit_stage(tables, above, here, day) if above and here else NO_MODEL


def _table_of(asset: str, encoder: str, tables: ParquetTables, day: date) -> str | None:
    """That of the wanted encoder, and of the newest model that has judged the day; None before any did."""
    if asset == IMAGE_EMBEDDINGS:
        return embeddings_name(encoder)
    if asset == IMAGE_PREDICTIONS:
        return next((predictions_table(version).name for version in models_of(tables, day)), None)
    return asset
