"""`erase`: one image goes for good, everywhere."""

import getpass
from collections.abc import Mapping, Sequence
from typing import Any

import click
import polars as pl

from image_assets.cli.console import CONSOLE, json_option, print_rows, wants_json
from image_assets.cli.known_lake import settings_of_lake
from image_assets.ids import ImageId
from image_assets.opening import open_lake, published_copies
from image_assets.steps.images.certificates import copies_of
from image_assets.steps.images.short_ids import whole_id
from image_assets.steps.upkeep.erasure import Remains, find_remains, twins_of
from image_assets.steps.upkeep.erasure import erase as erase_remains


@click.command()
@click.argument("image_ids", nargs=-1, required=True, metavar="ID...")
@click.option(
    "--by", "requested_by", default=getpass.getuser, help="Who asks, such as a ticket's number; you by default."
)
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--no-run", is_flag=True, help="Do not run the days again; reports and indexes are missing until a run.")
@json_option
def erase(image_ids: Sequence[str], requested_by: str, dry_run: bool, yes: bool, no_run: bool) -> None:
    """Remove images everywhere: upload, original, everything made of it, rows, decisions; a certificate stays.

    The beginning of an ID will do where no other begins so.

    The days are then run again, which makes anew what showed other images too: reports, indexes, the warehouse.
    """
    settings = settings_of_lake(is_for_good=True)
    tables = open_lake(settings)
    found = [find_remains(tables, ImageId(whole_id(tables, each))) for each in image_ids]
    for remains in found:
        _print_remains(remains)
        for uri in remains.registered:
            CONSOLE.print(f"stays at its source, which the lake only reads: {uri}", highlight=False)
        for twin in twins_of(tables, remains):
            CONSOLE.print(f"stays, though it has the same bytes: {twin}", highlight=False)
    copies = published_copies(settings)
    for copy in copies:
        CONSOLE.print(f"goes there too: {copy.place}", highlight=False)
    if dry_run:
        return
    if not yes and not all(remains.is_nothing for remains in found):
        click.confirm("Erase this for good?", abort=True, err=wants_json())
    for each in found:
        certificate = erase_remains(tables, find_remains(tables, each.image_id), requested_by, copies)
        _print_certificate(certificate.row(0, named=True), copies_of(tables, each.day, each.image_id))
    days = sorted({day for remains in found for day in remains.days})
    if no_run:
        CONSOLE.print(f"run again: {', '.join(str(day) for day in days)}", highlight=False)
    else:
        from image_assets.cli.runs import run_with_progress

        run_with_progress(settings, days)


def _print_certificate(row: Mapping[str, Any], copies: pl.DataFrame) -> None:
    """What is left of an image here and, in words, elsewhere."""
    told = [
        (copy["place"], f"{copy['rows_removed']} rows removed; may be left: {copy['remains'] or 'nothing'}")
        for copy in copies.to_dicts()
    ]
    elsewhere = copies.select("place", "rows_removed", "remains", "reached_at").to_dicts()
    print_rows("Certificate", ["what", "value"], [*row.items(), *told], data=[{**row, "copies": elsewhere}])


def _print_remains(remains: Remains) -> None:
    """One line per object and table."""
    if remains.is_nothing:
        CONSOLE.print(f"{remains.image_id} of {remains.day}: nothing is left", highlight=False)
        return
    rows = [(key, "file", 1) for key in remains.objects]
    rows += [(key, "rows", count) for key, count in remains.rows.items()]
    rows += [(key, "made anew", 1) for key in remains.derived]
    data = [dict(zip(("image_id", "key", "kind", "count"), (remains.image_id, *row), strict=True)) for row in rows]
    print_rows(f"{remains.image_id} of {remains.day}", ["what", "", "count"], rows, data=data)
