"""Every row obeys its schema; one check per table, made from it."""

from collections.abc import Iterator
from datetime import date, datetime
from functools import partial

import dagster as dg

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.checks.daily_check import daily_check
from image_assets.steps.audits.day_audits import Audit, audit_schema
from image_assets.steps.vectors.embeddings import stored_embeddings
from image_assets.tables.catalogue import TABLES
from image_assets.tables.embeddings import IMAGE_EMBEDDINGS
from image_assets.tables.table import Table


def schema_checks(partitions: dg.DailyPartitionsDefinition) -> Iterator[dg.AssetChecksDefinition]:
    """One check for each table that is known in advance."""
    for table in TABLES:
        description = (
            f"Every row of {table.name} obeys its schema; restore its file, or delete it and run the day again, if not."
        )
        yield daily_check(partitions, table.name, "schema", description, partial(_audit_schema, table))


def vector_check(partitions: dg.DailyPartitionsDefinition, encoder: str) -> dg.AssetChecksDefinition:
    """The schema check of the encoder's vectors, whose dimension is in the lake."""
    description = (
        "Every vector is finite and of unit length; delete the day's file and run the day again if one is not."
    )
    return daily_check(partitions, IMAGE_EMBEDDINGS, "unit_vectors", description, partial(_audit_vectors, encoder))


def _audit_schema(table: Table, tables: ParquetTables, day: date, _: datetime) -> Audit:
    return audit_schema(tables, table, day)


def _audit_vectors(encoder: str, tables: ParquetTables, day: date, _: datetime) -> Audit:
    table = stored_embeddings(tables, encoder)
    return audit_schema(tables, table, day) if table else Audit(0, (f"there are no vectors of {encoder}",))
