"""Commands about the installation itself: `settings`, `doctor` and `models`."""

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.text import Text

from image_assets.cli.console import json_option, print_rows
from image_assets.cli.known_lake import settings_of_lake
from image_assets.configuration import effective_values, read_configuration
from image_assets.errors import ImageAssetsError
from image_assets.opening import open_objects
from image_assets.settings import PREFIX, Settings, load_settings, origins

if TYPE_CHECKING:
    from image_assets.models.encoders.catalogue import CatalogueEntry


@click.command("settings")
@json_option
def show_settings() -> None:
    """Every setting, its value in force, where that comes from, and what it does.

    What was set in the lake (image-assets config) counts before the environment, and that before .env.
    """
    settings = settings_of_lake()
    values = effective_values(settings, origins(settings), read_configuration(open_objects(settings)))
    rows = [(f"{PREFIX}{each.name.upper()}", str(each.value), each.source, each.meaning) for each in values]
    data = [asdict(each) for each in values]
    print_rows("Settings", ["name", "value", "from", "meaning"], rows, is_first_whole=True, data=data)


@click.command()
@json_option
def models() -> None:
    """Encoders worth knowing; IMAGE_ASSETS_ENCODER takes any of them, and other checkpoints of their kind."""
    from image_assets.models.encoders.catalogue import CATALOGUE

    names = ["name", "numbers", "input px", "million weights", "licence", "source", "here"]
    rows = [
        (each.name, each.dimension, each.input_size_px, each.parameters_m, each.licence, each.source, _here(each))
        for each in CATALOGUE
    ]
    data = [{**asdict(each), "is_here": each.is_here} for each in CATALOGUE]
    print_rows(f"Encoders; in use: {load_settings().encoder}", names, rows, data=data)


def _here(entry: "CatalogueEntry") -> str:
    return "yes" if entry.is_here else "to be downloaded"


@click.command()
@json_option
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
        data=[{"is_well": is_well, "what": name, "finding": words} for is_well, name, words in findings],
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
