"""`train --follow` joins a training that another process does: what it prints and how it exits."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import polars as pl
import pytest
from click.testing import Result

import image_assets
from image_assets.errors import AlreadyTrainingError, ConfigurationError, ImageAssetsError
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.classification.training_runs import Outcome, Stage, announce_training, claiming_training
from image_assets.steps.classification.training_teller import TrainingTeller
from image_assets.tables.training import ALL_ANSWERS, CLASSIFIER_EVALUATIONS, answers_table

Invoke = Callable[..., Result]
Work = Callable[[TrainingTeller], None]


@pytest.fixture
def store(home: Path) -> LocalObjectStore:
    """The lake of a folder in which Dagster could be started."""
    shutil.copy(Path(image_assets.__file__).parents[1] / "dagster.yaml", home)
    return LocalObjectStore(home / "lake")


def keep_comparison(store: LocalObjectStore) -> None:
    """Of two images the challenger has one right and the champion both."""
    tables = ParquetTables(store)
    one = "00000000-0000-5000-8000-00000000000{}"
    answers = pl.DataFrame(
        {
            "image_id": [one.format(1), one.format(2)],
            "day": [datetime(2026, 10, 1, tzinfo=UTC).date()] * 2,
            "label": ["hat", "shoe"],
            "challenger": "head-2",
            "challenger_label": ["hat", "hat"],
            "challenger_confidence_ratio": [0.9, 0.6],
            "champion": "head-1",
            "champion_label": ["hat", "shoe"],
            "champion_confidence_ratio": [0.9, 0.8],
        },
        schema=ALL_ANSWERS.schema.create_empty().schema,
    )
    scores = ("accuracy_ratio", "macro_f1_ratio", "calibration_error_ratio", "risk_coverage_ratio")
    row = {
        "challenger": "head-2",
        "role": "challenger",
        "model_version": "head-2",
        "evaluated_at": datetime.now(UTC),
        "images": 2,
        **dict.fromkeys(scores, 0.5),
        "is_promoted": False,
    }
    tables.replace(answers_table("head-2"), None, answers)
    schema = CLASSIFIER_EVALUATIONS.schema.create_empty().schema
    tables.replace(CLASSIFIER_EVALUATIONS, None, pl.DataFrame([row], schema=schema))


def stay(teller: TrainingTeller) -> None:
    teller.end(Stage.DECISIONS, "3 images decided")
    teller.name_challenger("head-2")
    teller.finish(Outcome.STAYED)


@contextmanager
def training(store: LocalObjectStore, work: Work) -> Iterator[None]:
    """Another process that trains, and does this after a moment."""

    def train() -> None:
        with claiming_training(store):
            teller = TrainingTeller(store, replace(run, process="pid 1 on elsewhere"))
            time.sleep(0.5)
            work(teller)

    run = announce_training(store, "ann", datetime.now(UTC))
    thread = Thread(target=train)
    thread.start()
    yield
    thread.join()


def test_a_champion_that_stays_is_an_exit_code_of_its_own(store: LocalObjectStore, invoke: Invoke) -> None:
    keep_comparison(store)
    with training(store, stay):
        result = invoke("train", "--follow")
    assert result.exit_code == 4, result.exception
    assert "ann began this training at" in result.output
    assert "decisions: 3 images decided" in result.output
    assert "head-2 does not beat head-1, which stays the champion" in result.output
    assert "1 of 1 changed answers" in result.output


def test_the_comparison_comes_as_one_object_for_programs(store: LocalObjectStore, invoke: Invoke) -> None:
    keep_comparison(store)
    with training(store, stay):
        result = invoke("train", "--follow", "--json")
    found = json.loads(result.stdout)
    assert (found["outcome"], found["challenger"], found["champion"]) == ("champion stays", "head-2", "head-1")
    assert (found["test"]["broken"], found["champion_accuracy"]["ratio"]) == (1, 1.0)
    assert found["changed"][0]["change"] == "broken"


def test_why_a_training_failed_is_the_error(store: LocalObjectStore, invoke: Invoke) -> None:
    with training(store, lambda teller: teller.finish(Outcome.FAILED, "two labels or more are needed")):
        result = invoke("train", "--follow")
    assert isinstance(result.exception, ImageAssetsError)
    assert "the training failed: two labels or more are needed" in str(result.exception)


def test_while_one_trains_no_other_command_does(store: LocalObjectStore, invoke: Invoke) -> None:
    announce_training(store, "ann", datetime.now(UTC))
    with claiming_training(store):
        result = invoke("train")
    assert isinstance(result.exception, AlreadyTrainingError)
    assert "ann has had a classifier trained since" in str(result.exception)


def test_a_training_that_nobody_asked_for_is_not_done(store: LocalObjectStore, invoke: Invoke) -> None:
    assert isinstance(invoke("train", "--as", "x").exception, AlreadyTrainingError)


def test_without_dagster_nothing_is_begun(home: Path, invoke: Invoke) -> None:
    result = invoke("train", "--follow")
    assert isinstance(result.exception, ConfigurationError)
    assert not (home / "lake" / "models").exists()
