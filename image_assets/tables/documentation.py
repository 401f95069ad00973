"""Generates docs/tables.md from the schemas: `make tables`."""

import sys
from collections.abc import Sequence

import dataframely as dy

from image_assets.shown_text import markdown_table
from image_assets.tables.catalogue import SCAN_TABLES, UPKEEP_TABLES, VIEWS, WHOLE_TABLES
from image_assets.tables.chain import CHAIN
from image_assets.tables.embeddings import ALL_EMBEDDINGS, embeddings_table
from image_assets.tables.predictions import ALL_PREDICTIONS, predictions_table
from image_assets.tables.table import Table
from image_assets.tables.training import answers_table


def document_tables() -> str:
    """One Markdown section per table: what a row is, what it is made from, its columns."""
    by_day = [_section(_named(table), stage.reads) for stage in CHAIN for table in stage.makes]
    others = [_section(table) for table in (*UPKEEP_TABLES, *WHOLE_TABLES, answers_table("{model_version}"))]
    scans = [_section(table) for table in (*SCAN_TABLES, *VIEWS)]
    where = (
        "One Parquet file per day: `tables/{table}/{day}.parquet`; the four before the last two have one file for all "
        "days, `source_entries` has some for each scan, and `processing_log` is put together when it is asked for."
    )
    return "\n".join(["# Tables", "", where, *by_day, *others, *scans])


def _named(table: Table) -> Table:
    """As it lies in the lake: encoders and models have a table each."""
    if table is ALL_EMBEDDINGS:
        return Table("image_embeddings/{encoder}", embeddings_table("encoder", 768).schema)
    return predictions_table("{model_version}") if table is ALL_PREDICTIONS else table


def _section(table: Table, reads: Sequence[str] = ()) -> str:
    rows = [_line(name, column) for name, column in table.schema.columns().items()]
    source = [f"Made from: {', '.join(f'`{name}`' for name in reads)}.", ""] if reads else []
    columns = markdown_table(["column", "type", "", "meaning"], rows)
    return "\n".join(["", f"## {table.name}", "", table.description, "", *source, columns])


def _line(name: str, column: dy.Column) -> list[str]:
    flags = "key" if column.primary_key else "may be null" if column.nullable else ""
    return [f"`{name}`", str(column.dtype), flags, column.description or ""]


if __name__ == "__main__":
    sys.stdout.write(document_tables() + "\n")
