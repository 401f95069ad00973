"""Checks: one schema check per table made from its schema, and the audits that look across tables and files."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import partial

import dagster as dg

from image_assets.errors import ImageAssetsError
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.assets.embeddings import IMAGE_EMBEDDINGS
from image_assets.orchestration.partitions import days_of
from image_assets.orchestration.reporting import Metadata
from image_assets.orchestration.resources import LakeResource
from image_assets.steps.audits import Audit, audit_derivatives, audit_schema, audit_stage, audit_uploads
from image_assets.steps.embeddings import stored_embeddings
from image_assets.tables.catalogue import TABLES
from image_assets.tables.embeddings import embeddings_name
from image_assets.tables.images import (
    BRONZE_IMAGES,
    PREVIEW_MAX_SIDE_PX,
    SILVER_IMAGES,
    SILVER_MAX_SIDE_PX,
    THUMBNAIL_MAX_SIDE_PX,
    THUMBNAILS,
    WATERMARKED_PREVIEWS,
)
from image_assets.tables.table import Table

AuditDay = Callable[[ParquetTables, date, datetime], Audit]

_PROBLEMS_SHOWN = 20
_FILES = (
    (SILVER_IMAGES, "cleansed_path", SILVER_MAX_SIDE_PX),
    (THUMBNAILS, "thumbnail_path", THUMBNAIL_MAX_SIDE_PX),
    (WATERMARKED_PREVIEWS, "preview_path", PREVIEW_MAX_SIDE_PX),
)


def all_checks(encoder: str) -> list[dg.AssetChecksDefinition]:
    """Every check; all of them stop what follows in the run."""
    return [*_schema_checks(), *_conservation_checks(encoder), *_file_checks(), _vector_check(encoder)]


def _schema_checks() -> Iterator[dg.AssetChecksDefinition]:
    for table in TABLES:
        description = f"Every row of {table.name} obeys its schema; restore or re-materialize the day if not."
        yield _daily_check(table.name, "schema", description, partial(_audit_schema, table))


def _conservation_checks(encoder: str) -> Iterator[dg.AssetChecksDefinition]:
    description = "Every upload is a bronze row or a rejected row; run the day again if one is missing."
    yield _daily_check(BRONZE_IMAGES.name, "conservation", description, audit_uploads)
    stages = [(BRONZE_IMAGES.name, table.name, table.name) for table, _, _ in _FILES]
    stages.append((SILVER_IMAGES.name, embeddings_name(encoder), IMAGE_EMBEDDINGS))
    for upstream, stage, asset in stages:
        description = f"Every image of {upstream} is a row or a rejection here; run the day again if one is missing."
        yield _daily_check(asset, "conservation", description, partial(_audit_stage, upstream, stage))


def _file_checks() -> Iterator[dg.AssetChecksDefinition]:
    for table, column, max_side_px in _FILES:
        description = (
            f"Every file is there, at most {max_side_px} px long, and holds no EXIF, XMP, IPTC, profile, comment; "
            f"delete the day's file of {table.name} and run the day again to make them anew."
        )
        audit = partial(_audit_files, table, column, max_side_px)
        yield _daily_check(table.name, "pixels_only", description, audit)


def _vector_check(encoder: str) -> dg.AssetChecksDefinition:
    description = "Every vector is finite and of unit length."
    return _daily_check(IMAGE_EMBEDDINGS, "unit_vectors", description, partial(_audit_vectors, encoder))


def _daily_check(asset: str, name: str, description: str, audit: AuditDay) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=asset, name=name, description=description, blocking=True)
    def check(context: dg.AssetCheckExecutionContext, lake: LakeResource) -> dg.AssetCheckResult:
        began_at = _began_at(context)
        found = {day: _audited(audit, lake.tables, day, began_at) for day in _days(context, lake.tables, asset)}
        problems = [f"{day}: {problem}" for day, each in found.items() for problem in each.problems]
        return dg.AssetCheckResult(passed=not problems, metadata=_metadata(found, problems))

    return check


def _days(context: dg.AssetCheckExecutionContext, tables: ParquetTables, asset: str) -> list[date]:
    """The run's days; all days that there are when the check is run by itself."""
    if context.has_partition_key or context.has_partition_key_range:
        return days_of(context.partition_keys)
    return tables.days(BRONZE_IMAGES.name if asset == IMAGE_EMBEDDINGS else asset)


def _began_at(context: dg.AssetCheckExecutionContext) -> datetime:
    """Start of the run; what arrives later is for the next run."""
    record = context.instance.get_run_record_by_id(context.run.run_id)
    return datetime.fromtimestamp(record.start_time, UTC) if record and record.start_time else datetime.now(UTC)


def _audited(audit: AuditDay, tables: ParquetTables, day: date, began_at: datetime) -> Audit:
    try:
        return audit(tables, day, began_at)
    except ImageAssetsError as error:
        return Audit(0, (str(error),))


def _metadata(found: dict[date, Audit], problems: Sequence[str]) -> Metadata:
    listed = "\n".join(f"- {problem}" for problem in problems[:_PROBLEMS_SHOWN]) or "none"
    return {
        "days": dg.MetadataValue.int(len(found)),
        "examined": dg.MetadataValue.int(sum(audit.examined for audit in found.values())),
        "problems": dg.MetadataValue.int(len(problems)),
        "what": dg.MetadataValue.md(listed),
    }


def _audit_schema(table: Table, tables: ParquetTables, day: date, _: datetime) -> Audit:
    return audit_schema(tables, table, day)


def _audit_stage(upstream: str, stage: str, tables: ParquetTables, day: date, _: datetime) -> Audit:
    return audit_stage(tables, upstream, stage, day)


def _audit_files(table: Table, column: str, max_side_px: int, tables: ParquetTables, day: date, _: datetime) -> Audit:
    return audit_derivatives(tables, table, column, max_side_px, day)


def _audit_vectors(encoder: str, tables: ParquetTables, day: date, _: datetime) -> Audit:
    table = stored_embeddings(tables, encoder)
    return audit_schema(tables, table, day) if table else Audit(0, (f"there are no vectors of {encoder}",))
