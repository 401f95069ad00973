"""Commands that look: `status`, `search` and `sql`."""

import sys
from datetime import date

import click
import polars as pl

from image_assets.cli.console import print_frame
from image_assets.lake.object_store import LocalObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.warehouse import query
from image_assets.models.encoder import encoder_key
from image_assets.settings import Settings, load_settings
from image_assets.steps.embeddings import lake_tables

_STATUS = """
select day, (sum(images) filter (kind = 'outcome' and name = 'seen'))::int as seen,
       (sum(images) filter (kind = 'outcome' and name = 'accepted'))::int as accepted,
       (sum(images) filter (kind = 'state' and name = 'embedded'))::int as embedded,
       (sum(images) filter (kind = 'outcome' and name = 'rejected'))::int as rejected,
       string_agg(name || ' ' || images, ', ' order by images desc, name) filter (kind = 'reason') as reasons
from daily_summary where day between '{first}' and '{last}' group by day order by day
"""
_ROWS_SHOWN = 1_000


@click.command()
def status() -> None:
    """What is in the lake, day by day."""
    print_status(load_settings(), date.min, date.max)


@click.command()
@click.argument("text")
@click.option("--count", type=click.IntRange(1, 1_000), default=10, show_default=True, help="How many images.")
def search(text: str, count: int) -> None:
    """Images that look like TEXT, best first."""
    from image_assets.models.transformers_encoder import load_encoder
    from image_assets.steps.text_search import search_text

    settings = load_settings()
    encoder = load_encoder(
        settings.encoder,
        revision=settings.encoder_revision,
        device=settings.device,
        precision=settings.precision,
        batch_size=settings.batch_size,
    )
    print_frame(f"“{text}”", search_text(_tables(settings), encoder, text, count))


@click.command("sql")
@click.argument("statement")
@click.option("--csv", "as_csv", is_flag=True, help="CSV instead of a table.")
def query_lake(statement: str, as_csv: bool) -> None:
    """Run a SELECT over every table of the lake (DuckDB)."""
    settings = load_settings()
    rows = _query(settings, statement)
    if as_csv:
        # Data, byte for byte: `click.echo` would drop escape sequences.
        sys.stdout.buffer.write(rows.write_csv().encode())
    else:
        print_frame(f"{rows.height} rows", rows.head(_ROWS_SHOWN))


def print_status(settings: Settings, first: date, last: date) -> None:
    """A row per day: how many images got how far, and why some did not."""
    print_frame("Images by day", _query(settings, _STATUS.format(first=first, last=last)))


def _tables(settings: Settings) -> ParquetTables:
    return ParquetTables(LocalObjectStore(settings.root))


def _query(settings: Settings, statement: str) -> pl.DataFrame:
    tables = _tables(settings)
    return query(tables, lake_tables(tables, encoder_key(settings.encoder)), statement)
