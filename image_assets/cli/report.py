"""`report`: the day as a page to read."""

from datetime import UTC, datetime, timedelta

import click

from image_assets.cli.console import CONSOLE
from image_assets.cli.known_lake import settings_of_lake
from image_assets.lake.remote.address import RemoteRoot
from image_assets.lake.tiered_object_store import signed_url
from image_assets.opening import open_lake

_SHOWN_FOR = timedelta(hours=1)


@click.command()
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Which day (UTC); yesterday by default.")
@click.option(
    "--open", "is_opened", is_flag=True, help="Open the page in the browser; in a cloud, by a link for an hour."
)
def report(day: datetime | None, is_opened: bool) -> None:
    """Write a day's report (HTML, CSV, JSON) from its committed tables and say where it is."""
    from image_assets.steps.gold.report import ReportParams, write_report

    chosen = day.date() if day else datetime.now(UTC).date() - timedelta(days=1)
    settings = settings_of_lake()
    tables, params = open_lake(settings), ReportParams(gallery_url=settings.gallery_url(chosen))
    keys = write_report(tables, chosen, params).keys
    for key in keys:
        CONSOLE.print(tables.store.uri(key), markup=False, soft_wrap=True)
    if is_opened:
        page = next(key for key in keys if key.endswith(".html"))
        is_remote = isinstance(settings.root, RemoteRoot)
        click.launch(signed_url(tables.store, page, _SHOWN_FOR) if is_remote else tables.store.uri(page))
