"""`config`: settings that may be changed while everything runs."""

import getpass
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime

import click

from image_assets.cli.console import CONSOLE, json_option, print_rows
from image_assets.cli.known_lake import settings_of_lake
from image_assets.configuration import Configuration, change_configuration, read_history
from image_assets.opening import open_objects
from image_assets.settings import PREFIX

_NOTE = click.option("--note", default="", help="Why, for those who ask later.")
_BY = click.option("--by", default=getpass.getuser, help="Who changes it; you by default.")


@click.group()
def config() -> None:
    """Settings that may be changed while everything runs: a value set here counts before environment and .env.

    The service takes notice within a second, runs with their next step; nothing is restarted. What changed values
    compute anew is computed when a day is run again: image-assets plan.
    """


@config.command("set", context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("value")
@_NOTE
@_BY
def set_value(name: str, value: str, note: str, by: str) -> None:
    """Give the setting NAME, such as review_threshold or IMAGE_ASSETS_REVIEW_THRESHOLD, a new VALUE."""
    _change({_field(name): value}, by, note)


@config.command("unset")
@click.argument("name")
@_NOTE
@_BY
def unset_value(name: str, note: str, by: str) -> None:
    """Take the setting NAME back to the value of the environment, of .env or of the program."""
    _change({_field(name): None}, by, note)


@config.command("history")
@json_option
def show_history() -> None:
    """Who changed what, when and why, the newest last."""
    history = list(read_history(open_objects(settings_of_lake())))
    rows = [(each.version, f"{each.at:%Y-%m-%d %H:%M:%S}", each.by, _words(each), each.note) for each in history]
    names, data = ["version", "when (UTC)", "by", "change", "note"], [asdict(each) for each in history]
    print_rows("Settings in the lake", names, rows, data=data)


def _field(name: str) -> str:
    return name.lower().removeprefix(PREFIX.lower())


def _change(changes: Mapping[str, object], by: str, note: str) -> None:
    made = change_configuration(open_objects(settings_of_lake()), changes, by, datetime.now(UTC), note)
    CONSOLE.print(f"version {made.version}: {_words(made)}", highlight=False, soft_wrap=True)


def _words(version: Configuration) -> str:
    said = {name: "back to the environment's" if value is None else value for name, value in version.changes.items()}
    return ", ".join(f"{PREFIX}{name.upper()} {value}" for name, value in said.items())
