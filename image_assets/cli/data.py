"""Commands that look: `status` and `sql`."""

import json
import sys
from datetime import UTC, date, datetime

import click
import polars as pl

from image_assets.cli.console import CONSOLE, json_option, print_frame, print_rows, wants_json
from image_assets.cli.period import period, period_options, yesterday
from image_assets.lake.sql import query
from image_assets.models.encoders.encoder import encoder_key
from image_assets.opening import open_lake
from image_assets.settings import Settings, load_settings
from image_assets.shown_text import spreadsheet_csv
from image_assets.steps.questions.plan import known_days
from image_assets.steps.questions.processing_log import processing_log
from image_assets.steps.questions.waiting import usual_wait
from image_assets.steps.upkeep.scrub import damaged_originals
from image_assets.steps.vectors.embeddings import lake_tables
from image_assets.tables.gold import DAILY_SUMMARY

_STATUS = """
select day, (sum(images) filter (kind = 'outcome' and name = 'seen'))::int as seen,
       (sum(images) filter (kind = 'outcome' and name = 'accepted'))::int as accepted,
       (sum(images) filter (kind = 'state' and name = 'embedded'))::int as embedded,
       (sum(images) filter (kind = 'outcome' and name = 'rejected'))::int as rejected,
       concat_ws('; ', string_agg(name || ' ' || images, ', ' order by images desc, name) filter (kind = 'reason'),
                 string_agg(replace(name, '_', ' ') || ' ' || images, ', ' order by name) filter (
                     kind = 'outcome' and name in ('gone', 'dismissed', 'passed_over') and images > 0)) as reasons
from daily_summary where day between '{first}' and '{last}' group by day order by day
"""
_ROWS_SHOWN = 1_000


@click.command()
@period_options(otherwise="every day")
@json_option
def status(day: datetime | None, first: datetime | None, last: datetime | None) -> None:
    """What is in the lake, day by day, and which days are not complete."""
    begin, end = period(day, first, last) or (date.min, date.max)
    settings = load_settings()
    print_status(settings, begin, end)
    tables = open_lake(settings)
    incomplete = {*known_days(tables), yesterday()} - {*tables.days(DAILY_SUMMARY.name)}
    waiting = sorted(each for each in incomplete if max(begin, settings.start_day) <= each <= end)
    if len(waiting) == 1:
        CONSOLE.print(f"{waiting[0]} has no summary yet: image-assets run --day {waiting[0]}", highlight=False)
    elif waiting:
        command = f"image-assets run --from {waiting[0]} --to {waiting[-1]}"
        CONSOLE.print(f"{len(waiting)} days from {waiting[0]} on have no summary yet: {command}", highlight=False)
    if wait := usual_wait(tables, datetime.now(UTC).date()):
        CONSOLE.print(f"an upload takes {wait} to become an image: median of the last {wait.images}", highlight=False)
    for each, originals in damaged_originals(tables).items():
        if begin <= each <= end:
            remedy = f"image-assets repair --day {each}"
            CONSOLE.print(f"{each}: {originals} originals are gone or damaged: {remedy}", highlight=False)


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
    settings = load_settings()
    rows = ask_lake(settings, statement)
    if as_csv:
        rows = rows.with_columns(_as_text(rows.get_column(name)) for name in rows.columns if _is_nested(rows[name]))
        # `click.echo` would drop escape sequences.
        sys.stdout.buffer.write(rows.write_csv().encode() if exact else spreadsheet_csv(rows))
    else:
        print_frame(f"{rows.height} rows", rows, _ROWS_SHOWN)


def _is_nested(column: pl.Series) -> bool:
    return column.dtype.is_nested() or column.dtype == pl.Binary


def _as_text(column: pl.Series) -> pl.Series:
    """What CSV has no form for, as JSON."""
    values = [
        None if value is None else json.dumps(value, default=str, ensure_ascii=False) for value in column.to_list()
    ]
    return pl.Series(column.name, values, dtype=pl.String)


def print_status(settings: Settings, first: date, last: date) -> None:
    """A row per day: how many images got how far, and why some did not."""
    rows = ask_lake(settings, _STATUS.format(first=first, last=last))
    print_rows("Images by day", rows.columns, rows.rows())


def ask_lake(settings: Settings, statement: str) -> pl.DataFrame:
    """Rows of a SELECT over every table."""
    tables = open_lake(settings)
    encoder = encoder_key(settings.encoder)
    return query(tables, lake_tables(tables, encoder), statement, [processing_log(tables, encoder)])
