"""Keeping house: `archive`, `restore` and `diff`."""

from collections.abc import Sequence
from datetime import UTC, datetime

import click

from image_assets.cli.console import CONSOLE, ProgressBars, json_option, print_rows
from image_assets.cli.known_lake import settings_of_lake
from image_assets.errors import ConfigurationError, StorageError
from image_assets.ids import ImageId
from image_assets.opening import open_lake
from image_assets.steps.images.short_ids import whole_id
from image_assets.steps.questions.table_diff import TableDiff, diff_day, tables_with_history
from image_assets.steps.upkeep.access_tiers import archive_old, restore_originals
from image_assets.steps.upkeep.archive import day_of_original

_DAY = click.DateTime(["%Y-%m-%d"])
_MEBIBYTE = 2**20


@click.command()
@click.option(
    "--older-than", "age_days", type=click.IntRange(0), help="Days; IMAGE_ASSETS_ARCHIVE_AFTER_DAYS if not given."
)
def archive(age_days: int | None) -> None:
    """Move originals of old days to the archive, where they stay readable under the same key."""
    settings, now = settings_of_lake(is_for_good=True), datetime.now(UTC)
    age = settings.archive_after_days if age_days is None else age_days
    if age is None:
        raise click.UsageError("--older-than DAYS, or set IMAGE_ASSETS_ARCHIVE_AFTER_DAYS")
    tables = open_lake(settings)
    with ProgressBars() as bars:
        report = archive_old(tables, settings.archive_tier, age, now, bars.track("archive", "days"))
    size = report.moved_bytes / _MEBIBYTE
    CONSOLE.print(f"{report.moved} originals of {report.days} days moved, {size:.1f} MiB", highlight=False)
    if report.damaged:
        raise StorageError(f"{len(report.damaged)} originals are not what bronze says, such as {report.damaged[0]!r}")


@click.command()
@click.argument("image_ids", nargs=-1, metavar="[ID]...")
@click.option("--day", type=_DAY, help="All of a day (UTC).")
def restore(image_ids: Sequence[str], day: datetime | None) -> None:
    """Bring archived originals back into the lake; a folder of an archive keeps its copies.

    Out of Azure's archive tier they come within hours: do it again to see how far they are.
    """
    if bool(image_ids) == bool(day):
        raise click.UsageError("ids or --day, one of them")
    tables, now = open_lake(settings_of_lake()), datetime.now(UTC)
    if day:
        found = [restore_originals(tables, day.date(), now)]
    else:
        ids = [ImageId(whole_id(tables, each)) for each in image_ids]
        found = [restore_originals(tables, day_of_original(tables, each), now, [each]) for each in ids]
    CONSOLE.print(f"{sum(each.back for each in found)} originals are back")
    for each in found:
        if each.ready_by:
            CONSOLE.print(
                f"{each.coming} are coming back, ready by {each.ready_by:%Y-%m-%d %H:%M} UTC", highlight=False
            )


@click.command()
@click.option("--day", type=_DAY, required=True, help="Which day (UTC).")
@click.option("--table", "names", multiple=True, help="Which table; all that have a history by default.")
@click.option("--against", help="Recipe version to compare with; the last one before by default.")
@json_option
def diff(day: datetime, names: Sequence[str], against: str | None) -> None:
    """Compare a day's tables with what former recipes had made of the day."""
    tables = open_lake(settings_of_lake())
    chosen = names or tables_with_history(tables, day.date())
    if not chosen:
        raise ConfigurationError(
            f"nothing of {day.date()} was made by a former recipe, or IMAGE_ASSETS_HISTORY_KEEP is 0"
        )
    for name in chosen:
        _print_diff(diff_day(tables, name, day.date(), against))


_DIFFERING = ("column", "changed", "mean_difference", "largest_difference")


def _print_diff(diff: TableDiff) -> None:
    counts = f"{diff.added} added, {diff.removed} removed, {diff.changed} changed"
    CONSOLE.print(f"{diff.table} against recipe {diff.against}: {diff.images} images, {counts}", soft_wrap=True)
    rows: list[Sequence[object]] = [
        (each.column, each.changed, each.mean_difference, each.largest_difference)
        for each in diff.columns
        if each.changed
    ]
    rows += [(name, "new", None, None) for name in diff.new_columns]
    rows += [(name, "gone", None, None) for name in diff.gone_columns]
    if rows:
        names = ["column", "changed", "mean difference", "largest"]
        known = {"table": diff.table, "against": diff.against}
        data = [{**known, **dict(zip(_DIFFERING, row, strict=True))} for row in rows]
        print_rows(f"Columns of {diff.table}", names, rows, data=data)
