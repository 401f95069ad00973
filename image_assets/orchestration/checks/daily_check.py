"""A check over the days of a run, made from an audit of one day."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime

import dagster as dg

from image_assets.errors import ImageAssetsError
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.keys import IMAGE_EMBEDDINGS
from image_assets.orchestration.metadata.counts import Metadata, describe_problems
from image_assets.orchestration.partitions import days_of
from image_assets.orchestration.resources import LakeResource
from image_assets.orchestration.runs.bad_days import name_bad_days
from image_assets.steps.audits.day_audits import Audit
from image_assets.tables.images import BRONZE_IMAGES

AuditDay = Callable[[ParquetTables, date, datetime], Audit]
"""Audits a day; the instant is the start of the run: what arrives later is for the next one."""


def daily_check(
    asset: str,
    name: str,
    description: str,
    audit: AuditDay,
    *,
    is_blocking: bool = True,
    measure: str = "measured",
    by_itself: AuditDay | None = None,
) -> dg.AssetChecksDefinition:
    """A check that fails when the audit finds a problem on any day of the run.

    It stops what follows in the run; one that is not blocking is a warning. `measure` names what the audit measures.
    `by_itself` is the audit of all days when the check is run without its asset, if that takes another one.
    """
    severity = dg.AssetCheckSeverity.ERROR if is_blocking else dg.AssetCheckSeverity.WARN

    @dg.asset_check(asset=asset, name=name, description=description, blocking=is_blocking)
    def check(context: dg.AssetCheckExecutionContext, lake: LakeResource) -> dg.AssetCheckResult:
        began_at = run_began_at(context)
        chosen = by_itself if by_itself and not _has_days(context) else audit
        found = {day: audited(chosen, lake.tables, day, began_at) for day in examined_days(context, lake.tables, asset)}
        return conclude(found, severity, measure)

    return check


def conclude(
    found: Mapping[date, Audit], severity: dg.AssetCheckSeverity, measure: str = "measured"
) -> dg.AssetCheckResult:
    """What the audits of some days come to."""
    return dg.AssetCheckResult(
        passed=not any(each.problems for each in found.values()), severity=severity, metadata=_metadata(found, measure)
    )


def examined_days(context: dg.AssetCheckExecutionContext, tables: ParquetTables, asset: str) -> list[date]:
    """The run's days; all days that there are when the check is run by itself."""
    if _has_days(context):
        return days_of(context.partition_keys)
    return tables.days(BRONZE_IMAGES.name if asset == IMAGE_EMBEDDINGS else asset)


def _has_days(context: dg.AssetCheckExecutionContext) -> bool:
    return bool(context.has_partition_key or context.has_partition_key_range)


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


def _metadata(found: Mapping[date, Audit], measure: str) -> Metadata:
    problems = [f"{day}: {problem}" for day, each in found.items() for problem in each.problems]
    measured = [audit.measured for audit in found.values() if audit.measured is not None]
    return {
        **({measure: dg.MetadataValue.float(round(measured[-1], 4))} if measured else {}),
        "days": dg.MetadataValue.int(len(found)),
        "examined": dg.MetadataValue.int(sum(audit.examined for audit in found.values())),
        "problems": dg.MetadataValue.int(len(problems)),
        "what": describe_problems(problems),
        **(name_bad_days(day for day, each in found.items() if each.problems) if problems else {}),
    }
