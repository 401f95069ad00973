"""The commands by name: which module each is in and what it does, so that one command does not import all of them."""

from importlib import import_module
from typing import NamedTuple

import click

from image_assets.cli.texts import take_only_text
from image_assets.cli.unbegun import leave_unbegun


class Place(NamedTuple):
    """Where a command is, and its first sentence."""

    module: str
    function: str
    says: str


# The sentences are those of the functions; a test compares them.
PLACES = {
    "demo": Place("feed", "demo", "Three days of product photos, from upload to gold."),
    "add": Place(
        "feed",
        "add",
        "Put photos, or folders of them, into the landing zone; links inside a folder are named and not followed.",
    ),
    "upload": Place(
        "upload", "upload", "Upload photos, or folders of them, to a service; IMAGE_ASSETS_API_KEY is the key."
    ),
    "migrate": Place(
        "migrate",
        "migrate",
        "Register photos where they lie, in folders or at az://…, s3://…, gs://…, as uploads of days.",
    ),
    "migration": Place("migration", "migration", "What was registered by `migrate`: how far it has come, and its end."),
    "plan": Place("plans", "plan", "What a run would compute, and about how long it would take; computes nothing."),
    "run": Place("runs", "run", "Bring days up to date, from landing to gold; what is current is not computed again."),
    "retry": Place("runs", "retry", "Try rejected files again: forget that they were rejected, and run their days."),
    "dismiss": Place(
        "dismissals",
        "dismiss",
        "Say of rejected files that they are junk: they stay in rejected_images, but no longer make a run end with 2.",
    ),
    "accept": Place(
        "acceptances",
        "accept",
        "Take rejected files all the same that are too small, too large, too long or of too many pixels.",
    ),
    "status": Place("status", "status", "What is in the lake, day by day, and which days are not complete."),
    "events": Place(
        "events", "events", "Messages of the queue that nothing can follow from, why, and how many others wait."
    ),
    "why": Place(
        "history",
        "why",
        "The whole story of IMAGE: its source, what was made of it, why it was rejected, and in which run.",
    ),
    "report": Place(
        "report",
        "report",
        "Write a day's report (HTML, CSV, JSON) from its committed tables and say where it is.",
    ),
    "duplicates": Place(
        "duplicates", "duplicates", "Photos that came more than once: the first of each, and what repeats it."
    ),
    "search": Place(
        "search",
        "search",
        "Photos that look like TEXT, best first; without it, --image or --like, the newest first.",
    ),
    "sql": Place(
        "sql",
        "query_lake",
        "Run a SELECT over every table of the lake (DuckDB), which can open no file and changes nothing.",
    ),
    "label": Place(
        "labels",
        "label_images",
        "Decide that IMAGE (an image_id or the name of the upload) shows LABEL; all of a file, or nothing of it.",
    ),
    "reviews": Place(
        "labels",
        "reviews",
        "Images on which people differ, and how far reviewing has come; with --next what to decide on.",
    ),
    "train": Place(
        "classifier",
        "train",
        "Train a classifier on all labels, and promote it if it beats the champion on the test split.",
    ),
    "classifier": Place(
        "classifier", "classifier", "The versions of the classifier: see them, put one in charge, go back."
    ),
    "diff": Place("upkeep", "diff", "Compare a day's tables with what former recipes had made of the day."),
    "erase": Place(
        "erase",
        "erase",
        "Remove images everywhere: upload, original, everything made of it, rows, decisions; a certificate stays.",
    ),
    "archive": Place(
        "upkeep",
        "archive",
        "Move originals of old days to the archive, where they stay readable under the same key.",
    ),
    "restore": Place(
        "upkeep",
        "restore",
        "Bring archived originals back into the lake; a folder of an archive keeps its copies.",
    ),
    "scrub": Place(
        "repair",
        "scrub",
        "Read files whole and compare them with their rows; the schedule `weekly` does so with a share every week.",
    ),
    "repair": Place(
        "repair",
        "repair",
        "Read every file, bring back originals from the landing zone or the archive, and make derivatives again.",
    ),
    "serve": Place(
        "serve",
        "serve",
        "Serve the lake over HTTP: a gallery for people at /, the rest for programs; /openapi.json says how.",
    ),
    "keys": Place("keys", "keys", "Keys with which programs and people use the service."),
    "settings": Place(
        "setup", "show_settings", "Every setting, its value in force, where that comes from, and what it does."
    ),
    "config": Place(
        "config",
        "config",
        "Settings that may be changed while everything runs: a value set here counts before environment and .env.",
    ),
    "doctor": Place(
        "setup",
        "doctor",
        "Say whether storage, landing zone, model, device and Dagster are as they should be, and what to do if not.",
    ),
    "models": Place(
        "setup",
        "models",
        "Encoders worth knowing; IMAGE_ASSETS_ENCODER takes any of them, and other checkpoints of their kind.",
    ),
}


class CommandGroup(click.Group):
    """Lists the commands by their sentences, and imports the one that is called."""

    def __init__(self, **asked: object) -> None:
        listed = {name: click.Command(name, help=place.says) for name, place in PLACES.items()}
        super().__init__(**asked, commands=listed)  # type: ignore[arg-type]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command itself in place of what is listed of it."""
        name, listed, rest = super().resolve_command(ctx, args)
        return name, load_command(listed.name) if listed and listed.name else None, rest


def load_command(name: str) -> click.Command:
    """Import a command."""
    place = PLACES[name]
    try:
        module = import_module(f"image_assets.cli.{place.module}")
    except KeyboardInterrupt:
        leave_unbegun()
    command: click.Command = getattr(module, place.function)
    take_only_text(command)
    return command
