"""`dismiss`: a person's word on rejected files that nobody needs to hear of again."""

import getpass
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from image_assets.cli.clock import mention_clock
from image_assets.cli.console import CONSOLE
from image_assets.cli.known_lake import settings_of_lake
from image_assets.errors import RejectionReason
from image_assets.opening import open_lake
from image_assets.steps.images.dismissals import record_dismissals
from image_assets.steps.images.rejected_files import choose_rejected, list_rejected


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME|ID]...")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Only files of this day (UTC).")
@click.option(
    "--reason",
    "reasons",
    multiple=True,
    type=click.Choice([reason.value for reason in RejectionReason]),
    help="Only files rejected for this reason; all of them when no name is given. May be given several times.",
)
@click.option("--note", default="", help="Why, for those who ask later.")
@click.option("--by", default=getpass.getuser, help="Who decides; you by default.")
@click.option("--undo", is_flag=True, help="Take it back: they count again.")
def dismiss(names: Sequence[str], day: datetime | None, reasons: Sequence[str], note: str, by: str, undo: bool) -> None:
    """Say of rejected files that they are junk: they stay in rejected_images, but no longer make a run end with 2.

    A file is meant by its image_id, its path in the landing zone or the name of the upload. It counts again when other
    bytes are found in its place.
    """
    if not names and not reasons:
        raise click.UsageError("names or ids, or --reason")
    tables, now = open_lake(settings_of_lake()), datetime.now(UTC)
    rejected = list_rejected(tables, day.date() if day else None, reasons)
    chosen = choose_rejected(tables, rejected, names) if names else rejected
    kept = record_dismissals(tables.store, chosen, by, note, now, is_dismissed=not undo)
    what = "count again" if undo else "are dismissed"
    CONSOLE.print(f"{len(chosen)} files {what}; image-assets run shows it:", highlight=False)
    mention_clock(kept.last_at, now)
    for each in kept.days:
        CONSOLE.print(f"  image-assets run --day {each}", highlight=False)
