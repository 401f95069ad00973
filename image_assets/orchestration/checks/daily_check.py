"""A check over the days of a run, made from an audit of one day."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import dagster as dg

from image_assets.errors import ImageAssetsError
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.checks.by_day import DayCheck, has_days
from image_assets.orchestration.partitions import days_of
from image_assets.orchestration.resources import LakeResource
from image_assets.steps.audits.day_audits import Audit
from image_assets.tables.embeddings import IMAGE_EMBEDDINGS
from image_assets.tables.images import BRONZE_IMAGES

AuditDay = Callable[[ParquetTables, date, datetime], Audit]
"""Audits a day; the instant is the start of the run: what arrives later is for the next one."""


def daily_check(
    partitions: dg.DailyPartitionsDefinition,
    asset: str,
    name: str,
    description: str,
    audit: AuditDay,
    *,
    is_blocking: bool = True,
    measure: str = "measured",
    by_itself: AuditDay | None = None,
) -> dg.AssetChecksDefinition:
    """A check that fails for each day of the run on which the audit finds a problem.

    It stops what follows in the run; one that is not blocking is a warning. `measure` names what the audit measures.
    `by_itself` is the audit of all days when the check is run without its asset, if that takes another one.
    """
    severity = dg.AssetCheckSeverity.ERROR if is_blocking else dg.AssetCheckSeverity.WARN
    declared = DayCheck(partitions, asset, name, description, is_blocking, severity, measure)

    def check(context: dg.AssetCheckExecutionContext, lake: LakeResource) -> Iterator[object]:
        began_at, chosen = run_began_at(context), audit if has_days(context) else by_itself or audit
        tables = lake.tables
        days = examined_days(context, tables, asset)
        yield from declared.results(context, {day: audited(chosen, tables, day, began_at) for day in days})

    return declared.define(check)


def examined_days(context: dg.AssetCheckExecutionContext, tables: ParquetTables, asset: str) -> list[date]:
    """The run's days; all days that there are when the check is run by itself."""
    if has_days(context):
        return days_of(context.partition_keys)
    # Vectors lie in a table per encoder; every day that has any has originals.
    return tables.days(BRONZE_IMAGES.name if asset == IMAGE_EMBEDDINGS else asset)


def run_began_at(context: dg.AssetCheckExecutionContext) -> datetime:
    """Start of the run; what arrives later is for the next run."""
    record = context.instance.get_run_record_by_id(context.run.run_id)
    return datetime.fromtimestamp(record.start_time, UTC) if record and record.start_time else datetime.now(UTC)


def audited(audit: AuditDay, tables: ParquetTables, day: date, began_at: datetime) -> Audit:
    """The audit of a day; what keeps it from being made is a problem too."""
    try:
        return audit(tables, day, began_at)
    except ImageAssetsError as error:
        return Audit(0, (str(error),))
