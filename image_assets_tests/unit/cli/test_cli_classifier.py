"""`label` and `classifier`: decisions, versions, who is in charge."""

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

from image_assets.errors import ModelError, UnknownImageError
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.models.classifiers.linear_classifier import LinearClassifier
from image_assets.steps.classification.champion import (
    ClassifierCard,
    digests_of,
    keep_classifier,
    promote,
    read_champion,
)

# MLflow's own code uses what its libraries deprecate.
pytestmark = pytest.mark.filterwarnings("ignore")

Invoke = Callable[..., Result]


@pytest.fixture
def versions(home: Path, monkeypatch: pytest.MonkeyPatch) -> LocalObjectStore:
    """Two classifiers, head-1 and head-2, which is in charge; MLflow does not answer."""
    monkeypatch.setenv("IMAGE_ASSETS_MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    store = LocalObjectStore(home / "lake")
    files = LinearClassifier(("a", "b"), np.zeros((4, 2), np.float32), np.zeros(2, np.float32)).files()
    for number in ("1", "2"):
        card = ClassifierCard(
            f"head-{number}", "head", ("builtin", "1"), f"2026-0{number}-01T09:30:00+00:00", number, digests_of(files)
        )
        keep_classifier(store, card, files)
        promote(store, card.model_version)
    return store


def test_a_decision_is_kept_and_says_which_day_to_run(damaged_home: Path, invoke: Invoke, yesterday: date) -> None:
    result = invoke("label", "blue [bold]shoe.jpg", "shoe")
    assert result.exit_code == 0, result.exception
    assert f"image-assets run --day {yesterday}" in result.output


def test_a_clock_that_is_behind_is_mentioned_and_the_later_word_counts(
    damaged_home: Path, invoke: Invoke, yesterday: date
) -> None:
    usual = invoke("label", "blue [bold]shoe.jpg", "shoe")
    assert (usual.exit_code, "clock" in usual.output) == (0, False)
    (first,) = (damaged_home / "lake" / "reviews").rglob("*.json")
    ahead = f"{first.name[:37]}29990101T000000000000.json"
    record = {**json.loads(first.read_text()), "decided_at": "2999-01-01T00:00:00+00:00"}
    first.with_name(ahead).write_text(json.dumps(record))
    assert "clock is wrong" in invoke("label", "blue [bold]shoe.jpg", "boot").output.replace("\n", " ")
    last = max(first.parent.iterdir(), key=lambda path: path.name[37:])
    assert '"label": "boot"' in last.read_text()


def test_two_rows_for_one_image_are_refused_with_their_lines(damaged_home: Path, invoke: Invoke) -> None:
    rows = "file,label\nblue [bold]shoe.jpg,shoe\n\nblue [bold]shoe.jpg,boot\n"
    (damaged_home / "labels.csv").write_text(rows)
    result = invoke("label", "--file", "labels.csv")
    assert "line 4: blue [bold]shoe.jpg is decided twice, line 2" in str(result.exception)
    assert not (damaged_home / "lake" / "reviews").exists()


def test_a_file_of_decisions_is_kept_whole_or_not_at_all(damaged_home: Path, invoke: Invoke) -> None:
    (damaged_home / "labels.csv").write_text("file,label\nblue [bold]shoe.jpg,shoe\nnowhere.jpg,hat\n")
    result = invoke("label", "--file", "labels.csv")
    assert isinstance(result.exception, UnknownImageError)
    assert "nowhere.jpg is no image" in str(result.exception)
    assert not (damaged_home / "lake" / "reviews").exists()


def test_a_file_without_the_columns_is_refused(home: Path, invoke: Invoke) -> None:
    (home / "labels.csv").write_text("photo,label\n")
    assert "it has photo, label" in str(invoke("label", "--file", "labels.csv").exception)


def test_an_image_without_a_label_is_wrong_usage(home: Path, invoke: Invoke) -> None:
    assert invoke("label", "a.jpg").exit_code == 2


def test_versions_are_listed_with_the_champion(versions: LocalObjectStore, invoke: Invoke) -> None:
    lines = invoke("classifier", "list").output.splitlines()
    (champion,) = [line for line in lines if "head-2" in line and "champion" in line]
    assert re.search(r"│ \d{4}-\d\d-\d\d \d\d:\d\d:\d\d +│", champion)


def test_without_a_version_predictions_are_zero_shot(home: Path, invoke: Invoke) -> None:
    assert "predictions are zero-shot" in invoke("classifier", "list").output


def test_going_back_works_without_mlflow_and_says_that_the_alias_waits(
    versions: LocalObjectStore, invoke: Invoke
) -> None:
    result = invoke("classifier", "rollback")
    assert isinstance(result.exception, ModelError)
    assert "head-1 is in charge of predictions, but MLflow" in str(result.exception)
    champion = read_champion(versions)
    assert champion is not None
    assert champion.model_version == "head-1"


def test_an_unknown_version_is_named(versions: LocalObjectStore, invoke: Invoke) -> None:
    assert "head-9 is no version" in str(invoke("classifier", "promote", "head-9").exception)
