"""Commands that compute: `run`."""

from datetime import UTC, date, datetime, timedelta

import click

from image_assets.cli.console import CONSOLE, ProgressBars
from image_assets.errors import ImageAssetsError
from image_assets.settings import Settings, load_settings

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--day", type=_DAY, help="One day (UTC); yesterday by default.")
@click.option("--from", "first", type=_DAY, help="First of several days.")
@click.option("--to", "last", type=_DAY, help="Last of several days; yesterday by default.")
def run(day: datetime | None, first: datetime | None, last: datetime | None) -> None:
    """Bring days up to date, from landing to gold; what is current is not computed again."""
    from image_assets.cli.data import print_status

    start, end = _period(day, first, last)
    settings = load_settings()
    run_with_progress(settings, start, end)
    print_status(settings, start, end)


def _period(day: datetime | None, first: datetime | None, last: datetime | None) -> tuple[date, date]:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    if day and (first or last):
        raise click.UsageError("--day or --from and --to, not both")
    if first is None:
        if last:
            raise click.UsageError("--to needs --from")
        return (day.date(), day.date()) if day else (yesterday, yesterday)
    end = last.date() if last else yesterday
    if end < first.date():
        raise click.UsageError(f"{first.date()} is after {end}")
    return first.date(), end


def run_with_progress(settings: Settings, first: date, last: date) -> None:
    """Run the days through Dagster with a bar per table; `ImageAssetsError` when a run fails."""
    from image_assets.definitions import build_definitions
    from image_assets.orchestration.local_runs import interruptible, open_instance, run_days

    with ProgressBars() as bars, open_instance() as instance:
        definitions = build_definitions(settings, progress=bars)
        reports = interruptible(instance, lambda tags: list(run_days(definitions, instance, first, last, tags)))
    failed = [report for report in reports if not report.is_success]
    for report in failed:
        for problem in report.problems:
            CONSOLE.print(problem, style="red", markup=False)
    if failed:
        raise ImageAssetsError(f"{len(failed)} of {len(reports)} runs failed; the runs are in the UI: make dev")
