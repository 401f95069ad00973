"""`python -m workshop.builtin`: the training of which the shipped checkpoint is the outcome."""

from dataclasses import replace
from pathlib import Path

import click

from image_assets.cli.console import CONSOLE, print_rows
from workshop.builtin.imagenet import find_imagenet_weights
from workshop.builtin.training import EpochReport, TrainingParams, train_builtin


@click.command()
@click.option(
    "--photos",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with manifest.csv (file, label, split) and the photos.",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder of the new checkpoint.",
)
@click.option("--epochs", type=click.IntRange(1), help="Passes over the photos.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Time to fit the training into.")
def main(photos: Path, output: Path, epochs: int | None, minutes: float | None) -> None:
    """Train the small offline encoder on labelled photos, from ImageNet weights."""
    usual = TrainingParams()
    params = replace(usual, epochs=epochs or usual.epochs, minutes=minutes or usual.minutes)
    report = train_builtin(photos, output, find_imagenet_weights(), params, _tell)
    overall = "not measured: no validation photos" if report.accuracy is None else f"{report.accuracy:.3f}"
    print_rows(f"Zero-shot accuracy: {overall}", ["label", "accuracy"], sorted(report.accuracy_of.items()))


def _tell(epoch: EpochReport) -> None:
    accuracy = f", zero-shot accuracy {epoch.accuracy:.3f}" if epoch.accuracy is not None else ""
    CONSOLE.print(f"epoch {epoch.epoch}: loss {epoch.loss:.3f}{accuracy}", highlight=False)


if __name__ == "__main__":
    main()
