"""`train`, and the group `classifier`: which versions there are and which is in charge."""

from dataclasses import asdict
from datetime import datetime

import click

from image_assets.cli.console import CONSOLE, json_option, print_rows
from image_assets.cli.runs import train_with_progress
from image_assets.errors import ModelError
from image_assets.models.classifiers.mlflow_registry import set_champion
from image_assets.opening import open_lake, open_objects
from image_assets.orchestration.instance.dagster_home import find_dagster_home
from image_assets.settings import Settings, load_settings
from image_assets.steps.classification.champion import (
    ClassifierCard,
    kept_classifiers,
    promote,
    read_champion,
    roll_back,
)
from image_assets.tables.training import CLASSIFIER_EVALUATIONS

_SCORES = ("accuracy_ratio", "macro_f1_ratio", "images")


@click.command()
@json_option
def train() -> None:
    """Train a classifier on all labels, and promote it if it beats the champion on the test split."""
    settings = load_settings()
    find_dagster_home()
    train_with_progress(settings)
    print_versions(settings)


@click.group()
def classifier() -> None:
    """The versions of the classifier: see them, put one in charge, go back."""


@classifier.command("list")
@json_option
def list_versions() -> None:
    """Every version, how it did on the test split, and which is in charge."""
    print_versions(load_settings())


@classifier.command("promote")
@click.argument("version")
@json_option
def promote_version(version: str) -> None:
    """Put VERSION (such as head-3f9a01c2) in charge, whatever its scores."""
    settings = load_settings()
    _tell(settings, promote(open_objects(settings), version))


@classifier.command("rollback")
@json_option
def roll_back_version() -> None:
    """Put the champion's predecessor in charge again."""
    settings = load_settings()
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
