"""Generates docs/tables.md from the schemas: `make tables`."""

import sys

import dataframely as dy

from image_assets.shown_text import markdown_table
from image_assets.tables.catalogue import TABLES, UPKEEP_TABLES, WHOLE_TABLES
from image_assets.tables.embeddings import embeddings_table
from image_assets.tables.predictions import predictions_table
from image_assets.tables.table import Table


def document_tables() -> str:
    """One Markdown section per table: what a row is, then its columns."""
    embeddings = Table("image_embeddings/{encoder}", embeddings_table("encoder", 768).schema)
    by_day = [_section(t) for t in (*TABLES, embeddings, predictions_table("{model_version}"), *UPKEEP_TABLES)]
    whole = [_section(table) for table in WHOLE_TABLES]
    where = "One Parquet file per day: `tables/{table}/{day}.parquet`; the last three have one file for all days."
    return "\n".join(["# Tables", "", where, *by_day, *whole])


def _section(table: Table) -> str:
    rows = [_line(name, column) for name, column in table.schema.columns().items()]
    columns = markdown_table(["column", "type", "", "meaning"], rows)
    return "\n".join(["", f"## {table.name}", "", table.description, "", columns])


def _line(name: str, column: dy.Column) -> list[str]:
    flags = "key" if column.primary_key else "may be null" if column.nullable else ""
    return [f"`{name}`", str(column.dtype), flags, column.description or ""]


if __name__ == "__main__":
    sys.stdout.write(document_tables() + "\n")
