"""Commands about the installation itself: `settings`, `doctor`, `models` and `train-builtin`."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from image_assets.cli.console import CONSOLE, print_rows
from image_assets.errors import ImageAssetsError
from image_assets.settings import PREFIX, Settings, load_settings

if TYPE_CHECKING:
    from image_assets.models.catalogue import CatalogueEntry


@click.command("settings")
def show_settings() -> None:
    """Every setting, its value and what it does."""
    settings = load_settings()
    rows = [
        (f"{PREFIX}{name.upper()}", str(getattr(settings, name)), field.description)
        for name, field in type(settings).model_fields.items()
    ]
    print_rows("Settings (environment or .env)", ["name", "value", "meaning"], rows, is_first_whole=True)


@click.command()
def models() -> None:
    """Encoders worth knowing; IMAGE_ASSETS_ENCODER takes any of them, and other checkpoints of their kind."""
    from image_assets.models.catalogue import CATALOGUE

    names = ["name", "numbers", "input px", "million weights", "licence", "source", "here"]
    rows = [
        (each.name, each.dimension, each.input_size_px, each.parameters_m, each.licence, each.source, _here(each))
        for each in CATALOGUE
    ]
    print_rows(f"Encoders; in use: {load_settings().encoder}", names, rows)


def _here(entry: "CatalogueEntry") -> str:
    return "yes" if entry.is_here else "to be downloaded"


@click.command()
def doctor() -> None:
    """Say whether storage, landing zone, model, device and Dagster are as they should be, and what to do if not."""
    from image_assets.cli import examinations

    settings = load_settings()
    findings = [examine(name, examination, settings) for name, examination in examinations.EXAMINATIONS.items()]
    marks = {True: Text("ok", "green"), False: Text("no", "red")}
    print_rows(
        "Doctor",
        ["", "what", "finding"],
        [(marks[is_well], name, words) for is_well, name, words in findings],
    )
    if not all(is_well for is_well, _, _ in findings):
        raise ImageAssetsError("something is not as it should be; see above")


def examine(name: str, examination: Callable[[Settings], str], settings: Settings) -> tuple[bool, str, str]:
    """Whether all is well, what was examined, and the finding in words, whatever comes up."""
    try:
        return True, name, examination(settings)
    except ImageAssetsError as error:
        return False, name, str(error)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever is examined may be broken in a way that nobody has met
        # Panics of Rust are no Exceptions.
        return False, name, f"cannot be examined: {type(error).__name__}: {' '.join(str(error).split())}"


@click.command("train-builtin")
@click.option(
    "--photos",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with manifest.csv (file, label, split) and the photos.",
)
@click.option("--output", required=True, type=click.Path(path_type=Path), help="Folder of the new checkpoint.")
@click.option("--epochs", type=click.IntRange(1), help="Passes over the photos.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Time to fit the training into.")
@click.option(
    "--start",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="An earlier output to finish: a few slow epochs over pictures that are hardly blended.",
)
def train_builtin(photos: Path, output: Path, epochs: int | None, minutes: float | None, start: Path | None) -> None:
    """Train the small offline encoder on labelled photos."""
    from image_assets.models.builtin_training import FINISH, EpochReport, TrainingParams
    from image_assets.models.builtin_training import train_builtin as train

    params = FINISH if start else TrainingParams()
    params = replace(params, epochs=epochs or params.epochs, minutes=minutes or params.minutes)

    def tell(epoch: EpochReport) -> None:
        accuracy = f", zero-shot accuracy {epoch.accuracy:.3f}" if epoch.accuracy is not None else ""
        CONSOLE.print(f"epoch {epoch.epoch}: loss {epoch.loss:.3f}{accuracy}", highlight=False)

    report = train(photos, output, params, tell, start)
    overall = "not measured: no validation photos" if report.accuracy is None else f"{report.accuracy:.3f}"
    print_rows(f"Zero-shot accuracy: {overall}", ["label", "accuracy"], sorted(report.accuracy_of.items()))
