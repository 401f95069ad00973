"""What was published of a day is what the lake has of it."""

from collections.abc import Iterator
from datetime import date, datetime
from functools import partial

import dagster as dg
from pydantic import SecretStr

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.checks.by_day import DayCheck
from image_assets.orchestration.checks.daily_check import audited, examined_days, run_began_at
from image_assets.orchestration.daily import Daily
from image_assets.orchestration.keys import POSTGRES_GOLD
from image_assets.orchestration.resources import LakeResource
from image_assets.publishing.postgres.server import Postgres
from image_assets.steps.audits.day_audits import Audit
from image_assets.steps.audits.published import audit_published
from image_assets.tables.gold import GOLD_IMAGES


def published_checks(daily: Daily, url: SecretStr, encoder: str) -> list[dg.AssetChecksDefinition]:
    """Counts of images, vectors and tags agree, and nothing that was erased is there."""
    description = "Images, vectors and tags of the day are as many in PostgreSQL as in the lake, none of them erased."
    declared = DayCheck(daily.partitions, POSTGRES_GOLD, "counts_agree", description, is_blocking=False)
    audit = partial(_audit, Postgres(url), encoder)

    def check(context: dg.AssetCheckExecutionContext, lake: LakeResource) -> Iterator[object]:
        days, began_at = examined_days(context, lake.tables, GOLD_IMAGES.name), run_began_at(context)
        yield from declared.results(context, {day: audited(audit, lake.tables, day, began_at) for day in days})

    return [declared.define(check)]


def _audit(server: Postgres, encoder: str, tables: ParquetTables, day: date, _: datetime) -> Audit:
    return audit_published(server, tables, encoder, day)
