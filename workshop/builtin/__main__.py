"""`python -m workshop.builtin`: both trainings of which the shipped checkpoint is the outcome."""

from dataclasses import replace
from pathlib import Path

import click

from image_assets.cli.console import CONSOLE, print_rows
from workshop.builtin.training import FINISH, EpochReport, TrainingParams, train_builtin, train_twice


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
    help="Folder of the new checkpoints: `first`, and `finished`, which is the one to use.",
)
@click.option("--epochs", type=click.IntRange(1), help="Passes of the first training over the photos.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Time to fit the first training into.")
@click.option(
    "--start",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A checkpoint to finish; the first training is left out.",
)
def main(photos: Path, output: Path, epochs: int | None, minutes: float | None, start: Path | None) -> None:
    """Train the small offline encoder on labelled photos.

    From random weights, and then, in a few slow epochs, over pictures that are hardly blended.
    """
    if start is None:
        usual = TrainingParams()
        first = replace(usual, epochs=epochs or usual.epochs, minutes=minutes or usual.minutes)
        report = train_twice(photos, output, first, on_epoch=_tell)
    else:
        report = train_builtin(photos, output / "finished", FINISH, _tell, start)
    overall = "not measured: no validation photos" if report.accuracy is None else f"{report.accuracy:.3f}"
    print_rows(f"Zero-shot accuracy: {overall}", ["label", "accuracy"], sorted(report.accuracy_of.items()))


def _tell(epoch: EpochReport) -> None:
    accuracy = f", zero-shot accuracy {epoch.accuracy:.3f}" if epoch.accuracy is not None else ""
    CONSOLE.print(f"epoch {epoch.epoch}: loss {epoch.loss:.3f}{accuracy}", highlight=False)


if __name__ == "__main__":
    main()
