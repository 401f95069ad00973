"""`scrub` and `repair`: whether the files of the lake are what their rows say, and bringing back what is not."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import click

from image_assets.cli.console import CONSOLE, ProgressBars, json_option, print_rows, wants_json
from image_assets.cli.known_lake import settings_of_lake
from image_assets.cli.period import days_between, period, period_options
from image_assets.errors import StorageError, TableError
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.opening import open_lake
from image_assets.steps.upkeep.repair import KEPT, LOST, Remedy, find_remedies, repair_day
from image_assets.steps.upkeep.scrub import EVERYTHING, Damage, Examination, share_of_week
from image_assets.steps.upkeep.scrub import scrub as scrub_days
from image_assets.tables.images import BRONZE_IMAGES

_SHOWN = 50


@click.command()
@click.option("--all", "is_all", is_flag=True, help="Every file, not this week's share (IMAGE_ASSETS_SCRUB_WEEKS).")
@json_option
def scrub(is_all: bool) -> None:
    """Read files whole and compare them with their rows; the schedule `weekly` does so with a share every week."""
    settings = settings_of_lake()
    tables = open_lake(settings)
    share = EVERYTHING if is_all else share_of_week(datetime.now(UTC).date(), settings.scrub_weeks)
    with ProgressBars() as bars:
        found = scrub_days(tables, tables.days(BRONZE_IMAGES.name), share, bars.track("scrub", "days"))
    _print_examination(found)
    if not is_all:
        CONSOLE.print(f"this week's share, 1 of {settings.scrub_weeks}: --all reads every file", highlight=False)
    if found.damages:
        rows = [(each.key, each.problem) for each in found.damages[:_SHOWN]]
        print_rows("Damaged", ["file", "is"], rows, data=[_known_of(each) for each in found.damages])
        _tell_rest(len(found.damages))
        days = sorted({each.day for each in found.damages})
        raise StorageError(
            f"{len(found.damages)} files of {len(days)} days are damaged: image-assets repair "
            + (f"--day {days[0]}" if len(days) == 1 else f"--from {days[0]} --to {days[-1]}")
        )
    _refuse_unreadable(found)


@click.command()
@period_options(otherwise="every day")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--no-run", is_flag=True, help="Do not run the days again; derivatives are missing until a run.")
@json_option
def repair(
    day: datetime | None, first: datetime | None, last: datetime | None, dry_run: bool, yes: bool, no_run: bool
) -> None:
    """Read every file, bring back originals from the landing zone or the archive, and make derivatives again.

    Exit codes: 0 all is whole again, 1 something is lost and stays as it is, or a run failed.
    """
    settings, asked = settings_of_lake(is_for_good=True), period(day, first, last)
    tables = open_lake(settings)
    days = [each for each in tables.days(BRONZE_IMAGES.name) if asked is None or each in days_between(*asked)]
    with ProgressBars() as bars:
        found = scrub_days(tables, days, on_progress=bars.track("examine", "days"))
    _print_examination(found)
    remedies = find_remedies(tables, found.damages)
    if remedies:
        rows = [(each.damage.key, each.damage.problem, each.words) for each in remedies[:_SHOWN]]
        data = [{**_known_of(each.damage), "will_be": each.words} for each in remedies]
        print_rows(f"{len(remedies)} damaged files", ["file", "is", "will be"], rows, data=data)
        _tell_rest(len(remedies))
    if not dry_run:
        _repair(tables, days, remedies, is_sure=yes, is_run=not no_run)
    _refuse_unreadable(found)
    if lost := [each for each in remedies if each.outcome in {KEPT, LOST}]:
        raise StorageError(f"{len(lost)} files cannot be brought back: {lost[0].damage.key} {lost[0].words}")


def _repair(
    tables: ParquetTables, days: Sequence[date], remedies: Sequence[Remedy], *, is_sure: bool, is_run: bool
) -> None:
    if remedies and not is_sure:
        click.confirm("Repair this?", abort=True, err=wants_json())
    mine = {day: [each for each in remedies if each.damage.day == day] for day in days}
    repaired = {day: repair_day(tables, day, mine[day]) for day in days}
    again = [day for day in days if mine[day] or repaired[day].forgotten]
    if again and is_run:
        from image_assets.cli.runs import run_with_progress

        run_with_progress(settings_of_lake(), again)
    elif again:
        CONSOLE.print(f"run again: {', '.join(str(day) for day in again)}", highlight=False)
    if problems := [problem for each in repaired.values() for problem in each.problems]:
        raise StorageError("the rest is done, but\n  " + "\n  ".join(problems))


def _known_of(damage: Damage) -> dict[str, object]:
    return {"day": damage.day, "key": damage.key, "problem": damage.problem}


def _print_examination(found: Examination) -> None:
    size = found.size_bytes / 2**20
    CONSOLE.print(f"{found.objects} files read, {size:.1f} MiB; {len(found.damages)} damaged", highlight=False)


def _tell_rest(damaged: int) -> None:
    if damaged > _SHOWN:
        CONSOLE.print(f"and {damaged - _SHOWN} more", highlight=False)


def _refuse_unreadable(found: Examination) -> None:
    if found.unreadable:
        raise TableError("; ".join(found.unreadable))
