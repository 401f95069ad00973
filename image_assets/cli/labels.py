"""`label` and `reviews`: a person's word on what an image shows, and where people differ."""

import getpass
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from image_assets.cli.clock import mention_clock
from image_assets.cli.console import CONSOLE, json_option, print_rows
from image_assets.cli.csv_file import read_csv
from image_assets.cli.known_lake import settings_of_lake
from image_assets.configuration import configured
from image_assets.errors import ConfigurationError
from image_assets.lake import object_keys
from image_assets.opening import open_lake
from image_assets.steps.classification.conflicts import find_conflicts
from image_assets.steps.classification.label_decisions import Decision, record_decisions
from image_assets.steps.classification.opinions import Kind, OpinionLog
from image_assets.steps.classification.outcomes import Outcome
from image_assets.steps.classification.review_progress import progress_of
from image_assets.steps.classification.review_queue import QueueParams, ReviewItem, ReviewQueue

_NAMED = 5


@click.command("label")
@click.argument("image", required=False, type=click.UNPROCESSED)
@click.argument("label", required=False)
@click.option(
    "--file",
    "table",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV with the columns image_id (or file, the name of the upload) and label.",
)
@click.option("--accept", "kind", flag_value=Kind.ACCEPT.value, help="The model's answer is right.")
@click.option("--skip", "kind", flag_value=Kind.SKIP.value, help="Leave IMAGE to others.")
@click.option("--undo", "kind", flag_value=Kind.UNDO.value, help="Take back your last word on IMAGE, or on any image.")
@click.option("--by", default=getpass.getuser, help="Who decides; you by default.")
def label_images(image: str | None, label: str | None, table: Path | None, kind: str | None, by: str) -> None:
    """Decide that IMAGE (an image_id or the name of the upload) shows LABEL; all of a file, or nothing of it.

    Decisions outlive every run and every model; they come before supplied labels and feed the next training. Your newer
    word replaces your older one; where two people differ, a third decides: image-assets reviews.
    """
    decisions = _decisions(image, label, table, Kind(kind) if kind else Kind.LABEL)
    tables = open_lake(settings_of_lake())
    now = datetime.now(UTC)
    kept = record_decisions(tables, decisions, by, now)
    CONSOLE.print(f"{len(decisions)} decisions are kept; image-assets run shows them in gold:", highlight=False)
    mention_clock(kept.last_at, now)
    for day in kept.days:
        CONSOLE.print(f"  image-assets run --day {day}", highlight=False)
    _tell_conflicts(kept.conflicts)


@click.command()
@click.option("--by", default=getpass.getuser, help="Whose progress; yours by default.")
@click.option(
    "--next",
    "count",
    type=click.IntRange(1, 64),
    help="So many images to decide on, those that teach most first; nobody else is asked about them for five minutes.",
)
@json_option
def reviews(by: str, count: int | None) -> None:
    """Images on which people differ, and how far reviewing has come; with --next what to decide on."""
    settings = settings_of_lake()
    tables = open_lake(settings)
    log = OpinionLog(tables.store)
    if count:
        params = QueueParams(configured(settings, tables.store).audit_share)
        _print_items(ReviewQueue(tables, log).next_items(by, count, datetime.now(UTC), params))
        return
    opinions = log.all()
    conflicts = find_conflicts(log, opinions)
    rows = [(each.image_id, each.day, _sides(each.sides), each.label) for each in conflicts]
    names = ["image", "day", "who says what", "counts meanwhile"]
    print_rows(f"{len(rows)} conflicts", names, rows, is_first_whole=True, data=[asdict(each) for each in conflicts])
    progress = progress_of(opinions, by, datetime.now(UTC))
    left = ReviewQueue(tables, log).count_left(by)
    CONSOLE.print(
        f"{by} decided {progress.done_today} images today, everybody {progress.done_today_by_all}; {left} are left",
        highlight=False,
    )
    if agreement := progress.agreement.decided:
        share, low, high = progress.agreement.share, progress.agreement.low, progress.agreement.high
        CONSOLE.print(
            f"the model was right on {share:.0%} of {agreement} that were drawn at random ({low:.0%} to {high:.0%})",
            highlight=False,
        )


def _print_items(items: Sequence[ReviewItem]) -> None:
    """A row each; without an answer where the person is to look at the picture alone."""
    rows = []
    for each in items:
        answer = each.answer or {}
        row = each.lease.image_id, each.lease.day, each.why, answer.get("predicted_label")
        rows.append((*row, answer.get("confidence_ratio")))
    names = ["image", "day", "why", "predicted label", "confidence ratio"]
    print_rows(f"{len(rows)} images to decide on", names, rows, is_first_whole=True)


def _decisions(image: str | None, label: str | None, table: Path | None, kind: Kind) -> Sequence[Decision]:
    if kind is Kind.LABEL:
        if (table is None) == (label is None):
            raise click.UsageError("IMAGE and LABEL, or --file")
        return _read(table) if table else [Decision(object_keys.name_as_text(str(image)), str(label))]
    if table or label is not None:
        raise click.UsageError(f"--{kind} takes IMAGE alone")
    if image is None and kind is not Kind.UNDO:
        raise click.UsageError(f"--{kind} needs IMAGE")
    return [Decision(object_keys.name_as_text(image or ""), kind=kind)]


def _tell_conflicts(conflicts: Sequence[Outcome]) -> None:
    for each in conflicts[:_NAMED]:
        said = _sides(each.sides)
        CONSOLE.print(f"conflict on {each.word.image_id}: {said}; a third person decides", style="yellow")
    if len(conflicts) > _NAMED:
        CONSOLE.print(f"and {len(conflicts) - _NAMED} more conflicts: image-assets reviews", style="yellow")


def _sides(sides: Mapping[str, str]) -> str:
    return "; ".join(f"{who}: {label}" for who, label in sides.items())


def _read(path: Path) -> Sequence[Decision]:
    columns, rows = read_csv(path)
    named = next((column for column in ("image_id", "file") if column in columns), None)
    if named is None or "label" not in columns:
        raise ConfigurationError(f"{path} needs the columns image_id (or file) and label; it has {', '.join(columns)}")
    return [Decision(row[named] or "", row["label"] or "", line) for line, row in rows]
