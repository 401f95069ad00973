"""The command `status`, which opens no database: it is asked often and answers from one small table."""

from datetime import UTC, date, datetime

import click

from image_assets.cli.console import CONSOLE, json_option, print_rows
from image_assets.cli.known_lake import settings_of_lake
from image_assets.cli.period import period, period_options, yesterday
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.opening import open_lake
from image_assets.steps.questions.days_in_numbers import days_in_numbers
from image_assets.steps.questions.plan import known_days
from image_assets.steps.questions.waiting import usual_wait
from image_assets.steps.upkeep.scrub import damaged_originals
from image_assets.tables.gold import DAILY_SUMMARY


@click.command()
@period_options(otherwise="every day")
@json_option
def status(day: datetime | None, first: datetime | None, last: datetime | None) -> None:
    """What is in the lake, day by day, and which days are not complete."""
    begin, end = period(day, first, last) or (date.min, date.max)
    settings = settings_of_lake()
    tables = open_lake(settings)
    print_status(tables, begin, end)
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


def print_status(tables: ParquetTables, first: date, last: date) -> None:
    """A row per day: how many images got how far, and why some did not."""
    rows = days_in_numbers(tables, first, last)
    print_rows("Images by day", rows.columns, rows.rows())
