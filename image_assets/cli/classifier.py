"""`train`, and the group `classifier`: which versions there are and which is in charge."""

import getpass
from dataclasses import asdict
from datetime import datetime

import click

from image_assets.cli.console import CONSOLE, json_option, print_rows
from image_assets.cli.known_lake import settings_of_lake
from image_assets.cli.runs import train_with_progress
from image_assets.cli.training import EXIT_CODES, follow_training, work_as
from image_assets.errors import ModelError
from image_assets.models.classifiers.mlflow_registry import set_champion
from image_assets.opening import open_lake, open_objects
from image_assets.orchestration.instance.dagster_home import find_dagster_home
from image_assets.settings import Settings
from image_assets.steps.classification.champion import (
    ClassifierCard,
    kept_classifiers,
    promote,
    read_champion,
    roll_back,
)
from image_assets.steps.classification.forecast import tell_review
from image_assets.steps.classification.training_runs import claiming_training
from image_assets.tables.training import CLASSIFIER_EVALUATIONS

_SCORES = ("accuracy_ratio", "macro_f1_ratio", "images")


@click.command()
@click.option(
    "--follow",
    is_flag=True,
    help="In a process of its own that Ctrl-C leaves alone, told stage by stage; the winner predicts every day anew.",
)
@click.option("--as", "training_id", hidden=True, help="The training that a command or a service has announced.")
@json_option
@click.pass_context
def train(context: click.Context, follow: bool, training_id: str | None) -> None:
    """Train a classifier on all labels, and promote it if it beats the champion on the test split.

    With --follow the exit code is 0 when the newest classifier is in charge and gold shows what it says, and 4 when it
    is no better and the champion stays. Called again it joins the training that is under way.
    """
    settings = settings_of_lake()
    find_dagster_home()
    if training_id:
        work_as(settings, training_id)
    elif follow:
        context.exit(EXIT_CODES[follow_training(settings, getpass.getuser())])
    else:
        with claiming_training(open_objects(settings)):
            train_with_progress(settings)
        print_versions(settings)
        _explain(kept_classifiers(open_objects(settings))[-1])


@click.group()
def classifier() -> None:
    """The versions of the classifier: see them, put one in charge, go back."""


@classifier.command("list")
@json_option
def list_versions() -> None:
    """Every version, how it did on the test split, and which is in charge."""
    print_versions(settings_of_lake())


@classifier.command("promote")
@click.argument("version")
@json_option
def promote_version(version: str) -> None:
    """Put VERSION (such as head-3f9a01c2) in charge, whatever its scores."""
    settings = settings_of_lake()
    _tell(settings, promote(open_objects(settings), version))


@classifier.command("rollback")
@json_option
def roll_back_version() -> None:
    """Put the champion's predecessor in charge again."""
    settings = settings_of_lake()
    _tell(settings, roll_back(open_objects(settings)))


def print_versions(settings: Settings) -> None:
    """A row per version, the oldest first."""
    tables = open_lake(settings)
    champion = read_champion(tables.store)
    scores = tables.read_or_empty(CLASSIFIER_EVALUATIONS, None).filter(role="challenger")
    of = {row["model_version"]: row for row in scores.iter_rows(named=True)}
    cards = kept_classifiers(tables.store)
    rows = [
        (
            "champion" if champion and card.model_version == champion.model_version else "",
            card.model_version,
            card.registry_number,
            f"{datetime.fromisoformat(card.trained_at):%Y-%m-%d %H:%M:%S}",
            *(of.get(card.model_version, {}).get(name) for name in _SCORES),
        )
        for card in cards
    ]
    names = ["", "version", "MLflow", "trained at (UTC)", "test accuracy", "macro-F1", "test images"]
    data = [
        {**asdict(card), "is_champion": bool(row[0]), **dict(zip(_SCORES, row[-len(_SCORES) :], strict=True))}
        for card, row in zip(cards, rows, strict=True)
    ]
    print_rows("Classifiers", names, rows, data=data)
    if champion is None:
        CONSOLE.print("nothing is in charge: predictions are zero-shot", highlight=False)


def _explain(card: ClassifierCard) -> None:
    """What the newest version promises, what was too few for it, and what to label next."""
    promises = [card.forecast and card.forecast.told, card.review and tell_review(card.review), *card.advice]
    for each in filter(None, promises):
        CONSOLE.print(f"{card.model_version}: {each}", highlight=False)


def _tell(settings: Settings, card: ClassifierCard) -> None:
    print_versions(settings)
    CONSOLE.print("image-assets run shows its predictions in gold", highlight=False)
    try:
        set_champion(settings.tracking, card.registry_number)
    except ModelError as error:
        raise ModelError(
            f"{card.model_version} is in charge of predictions, but MLflow still says otherwise: {error}. "
            f"When it answers: image-assets classifier promote {card.model_version}"
        ) from error
