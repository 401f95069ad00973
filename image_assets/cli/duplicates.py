"""`duplicates`: photos that came more than once, and what a person says of them."""

import getpass
from datetime import UTC, date, datetime

import click

from image_assets.cli.clock import mention_clock
from image_assets.cli.console import CONSOLE, print_frame
from image_assets.cli.period import period, period_options
from image_assets.lake.opening import open_tables
from image_assets.settings import load_settings
from image_assets.steps.duplicate_clusters import find_clusters
from image_assets.steps.duplicate_decisions import Verdict, record_pair_decision

_SHOWN = ["photo", "day", "kind", "distance_bits", "similarity", "likeness", "turn", "label", "raw_name", "image_id"]
_ROWS_SHOWN = 200


@click.group(invoke_without_command=True)
@period_options(otherwise="every day")
@click.option("--conflicts", is_flag=True, help="Only photos that came under two labels.")
@click.pass_context
def duplicates(
    context: click.Context, day: datetime | None, first: datetime | None, last: datetime | None, conflicts: bool
) -> None:
    """Photos that came more than once: the first of each, and what repeats it."""
    if context.invoked_subcommand:
        return
    begin, end = period(day, first, last) or (date.min, date.max)
    rows = find_clusters(open_tables(load_settings().lake_params), begin, end, only_conflicts=conflicts)
    photos = rows["canonical_id"].rank("dense").alias("photo")
    title = f"{photos.n_unique()} photos came {rows.height} times"
    print_frame(title, rows.with_columns(photos).select(_SHOWN).head(_ROWS_SHOWN))


@duplicates.command("same")
@click.argument("one")
@click.argument("other")
@click.option("--by", default=getpass.getuser, help="Who decides; you by default.")
def join_pair(one: str, other: str, by: str) -> None:
    """The images with the ids ONE and OTHER show the same photo, whatever is computed."""
    _decide(one, other, Verdict.SAME, by)


@duplicates.command("different")
@click.argument("one")
@click.argument("other")
@click.option("--by", default=getpass.getuser, help="Who decides; you by default.")
def separate_pair(one: str, other: str, by: str) -> None:
    """The images with the ids ONE and OTHER are not the same photo, whatever is computed."""
    _decide(one, other, Verdict.DIFFERENT, by)


def _decide(one: str, other: str, verdict: Verdict, by: str) -> None:
    tables = open_tables(load_settings().lake_params)
    now = datetime.now(UTC)
    decision = record_pair_decision(tables, one, other, verdict, by, now)
    CONSOLE.print(
        f"kept: {verdict.value}; it counts from {decision.since} on: image-assets run --from {decision.since}"
    )
    mention_clock(datetime.fromisoformat(decision.decided_at), now)
