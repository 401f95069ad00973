"""`duplicates`: photos that came more than once, and what a person says of them."""

import getpass
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import click
from rich.text import Text

from image_assets.cli.clock import mention_clock
from image_assets.cli.console import CONSOLE, json_option, print_rows
from image_assets.cli.known_lake import settings_of_lake
from image_assets.cli.period import period, period_options
from image_assets.opening import open_lake
from image_assets.shown_text import plain
from image_assets.steps.duplicates.clusters import find_clusters
from image_assets.steps.duplicates.pair_decisions import PairVerdict, record_pair_decision

_ROWS_SHOWN = 200
_NAME_LENGTH = 36


@click.group(invoke_without_command=True)
@period_options(otherwise="every day")
@click.option("--conflicts", is_flag=True, help="Only photos that came under two labels.")
@json_option
@click.pass_context
def duplicates(
    context: click.Context, day: datetime | None, first: datetime | None, last: datetime | None, conflicts: bool
) -> None:
    """Photos that came more than once: the first of each, and what repeats it."""
    if context.invoked_subcommand:
        return
    begin, end = period(day, first, last) or (date.min, date.max)
    rows = find_clusters(open_lake(settings_of_lake()), begin, end, only_conflicts=conflicts)
    photos = rows["canonical_id"].rank("dense").alias("photo")
    title = f"{photos.n_unique()} photos came {rows.height} times"
    shown = [_row(each) for each in rows.with_columns(photos).head(_ROWS_SHOWN).iter_rows(named=True)]
    print_rows(title, ["image", "photo", "day", "how"], shown, is_first_whole=True, data=rows.iter_rows(named=True))


def _row(image: Mapping[str, Any]) -> tuple[object, ...]:
    """An image in so many columns as the narrowest terminal has, with its whole id, which the decisions take."""
    how = [image["kind"], image["likeness"] and f"{image['likeness']:.3f}", image["turn"]]
    told = " · ".join(plain(each) for each in (image["label"], image["raw_name"]) if each)
    name = told if len(told) <= _NAME_LENGTH else f"{told[: _NAME_LENGTH - 1]}…"
    is_first = image["image_id"] == image["canonical_id"]
    words = "the first" if is_first else " ".join(str(each).replace("_", " ") for each in how if each)
    return Text(f"{image['image_id']}\n{name}"), image["photo"], image["day"], words


@duplicates.command("same")
@click.argument("one")
@click.argument("other")
@click.option("--by", default=getpass.getuser, help="Who decides; you by default.")
def join_pair(one: str, other: str, by: str) -> None:
    """The images with the ids ONE and OTHER, or ids that begin so, show the same photo, whatever is computed."""
    _decide(one, other, PairVerdict.SAME, by)


@duplicates.command("different")
@click.argument("one")
@click.argument("other")
@click.option("--by", default=getpass.getuser, help="Who decides; you by default.")
def separate_pair(one: str, other: str, by: str) -> None:
    """The images with the ids ONE and OTHER, or ids that begin so, are not the same photo, whatever is computed."""
    _decide(one, other, PairVerdict.DIFFERENT, by)


def _decide(one: str, other: str, verdict: PairVerdict, by: str) -> None:
    tables = open_lake(settings_of_lake())
    now = datetime.now(UTC)
    decision = record_pair_decision(tables, one, other, verdict, by, now)
    CONSOLE.print(
        f"kept: {verdict.value}; it counts from {decision.since} on: image-assets run --from {decision.since}"
    )
    mention_clock(datetime.fromisoformat(decision.decided_at), now)
