"""The tables around the classifier obey their schemas."""

from collections.abc import Iterator
from datetime import date, datetime

import dagster as dg

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.checks.conservation import NO_MODEL
from image_assets.orchestration.checks.daily_check import daily_check
from image_assets.orchestration.metadata.counts import describe_problems
from image_assets.orchestration.resources import LakeResource
from image_assets.steps.audits.day_audits import Audit, audit_schema
from image_assets.steps.classification.models_in_use import models_of
from image_assets.tables.catalogue import WHOLE_TABLES
from image_assets.tables.predictions import IMAGE_PREDICTIONS, predictions_table
from image_assets.tables.table import Table


def classifier_checks(partitions: dg.DailyPartitionsDefinition) -> Iterator[dg.AssetChecksDefinition]:
    """Of the predictions that gold shows, and one per table that is not kept by day."""
    description = "Every prediction of the model in use obeys its schema; restore or re-materialize the day if not."
    yield daily_check(partitions, IMAGE_PREDICTIONS, "schema", description, _audit_predictions)
    for table in WHOLE_TABLES:
        yield _whole_table_check(table)


def _audit_predictions(tables: ParquetTables, day: date, _: datetime) -> Audit:
    version = next(iter(models_of(tables, day)), None)
    return audit_schema(tables, predictions_table(version), day) if version else NO_MODEL


def _whole_table_check(table: Table) -> dg.AssetChecksDefinition:
    description = f"Every row of {table.name} obeys its schema; restore the file or delete it and materialize again."

    @dg.asset_check(asset=table.name, name="schema", description=description, blocking=True)
    def check(lake: LakeResource) -> dg.AssetCheckResult:
        audit = audit_schema(lake.tables, table, None)
        return dg.AssetCheckResult(
            passed=not audit.problems, metadata={"examined": audit.examined, "what": describe_problems(audit.problems)}
        )

    return check
