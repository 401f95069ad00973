"""`accept`: a person's word that a rejected file is taken all the same."""

import getpass
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from image_assets.cli.clock import mention_clock
from image_assets.cli.console import CONSOLE
from image_assets.cli.known_lake import settings_of_lake
from image_assets.opening import open_lake
from image_assets.steps.images.acceptances import accept_files, withdraw_acceptances
from image_assets.steps.images.rejected_files import choose_rejected, list_rejected, reasons_of


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME|ID...")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Only files of this day (UTC).")
@click.option("--note", default="", help="Why, for those who ask later.")
@click.option("--by", default=getpass.getuser, help="Who decides; you by default.")
@click.option("--undo", is_flag=True, help="Take it back: they are rejected again.")
def accept(names: Sequence[str], day: datetime | None, note: str, by: str, undo: bool) -> None:
    """Take rejected files all the same that are too small, too large, too long or of too many pixels.

    A file is meant by its image_id, its path in the landing zone or the name of the upload. What is no picture, or is
    beyond what can be decoded safely, stays rejected.
    """
    tables, now, of_day = open_lake(settings_of_lake()), datetime.now(UTC), day.date() if day else None
    if undo:
        kept = withdraw_acceptances(tables.store, names, by, note, now, of_day)
    else:
        chosen = choose_rejected(tables, list_rejected(tables, of_day, ()), names)
        kept = accept_files(tables.store, reasons_of(tables, chosen), by, note, now)
    what = "are held against the limits again" if undo else "are taken all the same"
    CONSOLE.print(f"{len(names)} files {what}; image-assets run does it:", highlight=False)
    mention_clock(kept.last_at, now)
    for each in kept.days:
        CONSOLE.print(f"  image-assets run --day {each}", highlight=False)
