"""Generates docs/tables.md from the schemas: `make tables`."""

import sys

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
    rows = [
        f"| `{name}` | {column.dtype} | {_flags(primary_key=column.primary_key, nullable=column.nullable)} "
        f"| {column.description or ''} |"
        for name, column in table.schema.columns().items()
    ]
    head = ["", f"## {table.name}", "", table.description, "", "| column | type | | meaning |", "|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _flags(*, primary_key: bool, nullable: bool) -> str:
    return "key" if primary_key else "may be null" if nullable else ""


if __name__ == "__main__":
    sys.stdout.write(document_tables() + "\n")
