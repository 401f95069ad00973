"""`label`: a person's word on what an image shows."""

import getpass
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from image_assets.cli.clock import mention_clock
from image_assets.cli.console import CONSOLE
from image_assets.cli.csv_file import read_csv
from image_assets.errors import ConfigurationError
from image_assets.lake import object_keys
from image_assets.opening import open_lake
from image_assets.settings import load_settings
from image_assets.steps.classification.label_decisions import Decision, record_decisions


@click.command("label")
@click.argument("image", required=False, type=click.UNPROCESSED)
@click.argument("label", required=False)
@click.option(
    "--file",
    "table",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV with the columns image_id (or file, the name of the upload) and label.",
)
@click.option("--by", default=getpass.getuser, help="Who decides; you by default.")
def label_images(image: str | None, label: str | None, table: Path | None, by: str) -> None:
    """Decide that IMAGE (an image_id or the name of the upload) shows LABEL; all of a file, or nothing of it.

    Decisions outlive every run and every model; they come before supplied labels and feed the next training.
    """
    if (table is None) == (label is None):
        raise click.UsageError("IMAGE and LABEL, or --file")
    decisions = _read(table) if table else [Decision(object_keys.name_as_text(str(image)), str(label))]
    tables = open_lake(load_settings())
    now = datetime.now(UTC)
    kept = record_decisions(tables, decisions, by, now)
    CONSOLE.print(f"{len(decisions)} decisions are kept; image-assets run shows them in gold:", highlight=False)
    mention_clock(kept.last_at, now)
    for day in kept.days:
        CONSOLE.print(f"  image-assets run --day {day}", highlight=False)


def _read(path: Path) -> Sequence[Decision]:
    columns, rows = read_csv(path)
    named = next((column for column in ("image_id", "file") if column in columns), None)
    if named is None or "label" not in columns:
        raise ConfigurationError(f"{path} needs the columns image_id (or file) and label; it has {', '.join(columns)}")
    return [Decision(row[named] or "", row["label"] or "", line) for line, row in rows]
