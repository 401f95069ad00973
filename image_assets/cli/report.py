"""`report`: the day as a page to read."""

from datetime import UTC, datetime, timedelta

import click

from image_assets.cli.console import CONSOLE
from image_assets.errors import ConfigurationError
from image_assets.lake.remote.address import RemoteRoot
from image_assets.opening import open_lake
from image_assets.settings import load_settings


@click.command()
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Which day (UTC); yesterday by default.")
@click.option("--open", "is_opened", is_flag=True, help="Open the page in the browser.")
def report(day: datetime | None, is_opened: bool) -> None:
    """Write a day's report (HTML, CSV, JSON) from its committed tables and say where it is."""
    from image_assets.steps.gold.report import ReportParams, write_report

    chosen = day.date() if day else datetime.now(UTC).date() - timedelta(days=1)
    settings = load_settings()
    tables, params = open_lake(settings), ReportParams(gallery_url=settings.gallery_url(chosen))
    paths = [tables.store.uri(key) for key in write_report(tables, chosen, params).keys]
    for path in paths:
        CONSOLE.print(path, markup=False, soft_wrap=True)
    if is_opened:
        if isinstance(settings.root, RemoteRoot):
            raise ConfigurationError(f"--open shows a page of a local lake; this one is at {paths[0]}")
        click.launch(paths[0])
