"""The command `sql`."""

import json
import sys

import click
import polars as pl

from image_assets.cli.console import json_option, print_frame, wants_json
from image_assets.cli.known_lake import settings_of_lake
from image_assets.lake.sql import query
from image_assets.models.encoders.encoder import encoder_key
from image_assets.opening import open_lake
from image_assets.settings import Settings
from image_assets.shown_text import spreadsheet_csv
from image_assets.steps.questions.processing_log import processing_log
from image_assets.steps.vectors.embeddings import lake_tables

_ROWS_SHOWN = 1_000


@click.command("sql")
@click.argument("statement")
@click.option("--csv", "as_csv", is_flag=True, help="CSV instead of a table, safe to open in a spreadsheet.")
@click.option("--exact", is_flag=True, help="With --csv: values byte for byte, for programs.")
@json_option
def query_lake(statement: str, as_csv: bool, exact: bool) -> None:
    """Run a SELECT over every table of the lake (DuckDB), which can open no file and changes nothing."""
    if exact and not as_csv:
        raise click.UsageError("--exact needs --csv")
    if as_csv and wants_json():
        raise click.UsageError("--csv or --json")
    rows = ask_lake(settings_of_lake(), statement)
    if as_csv:
        rows = rows.with_columns(_as_text(rows.get_column(name)) for name in rows.columns if _is_nested(rows[name]))
        # `click.echo` would drop escape sequences.
        sys.stdout.buffer.write(rows.write_csv().encode() if exact else spreadsheet_csv(rows))
    else:
        print_frame(f"{rows.height} rows", rows, _ROWS_SHOWN)


def ask_lake(settings: Settings, statement: str) -> pl.DataFrame:
    """Rows of a SELECT over every table."""
    tables, encoder = open_lake(settings), encoder_key(settings.encoder)
    return query(tables, lake_tables(tables, encoder), statement, [processing_log(tables, encoder)])


def _is_nested(column: pl.Series) -> bool:
    return column.dtype.is_nested() or column.dtype == pl.Binary


def _as_text(column: pl.Series) -> pl.Series:
    """What CSV has no form for, as JSON."""
    values = [
        None if value is None else json.dumps(value, default=str, ensure_ascii=False) for value in column.to_list()
    ]
    return pl.Series(column.name, values, dtype=pl.String)
