"""The training job through Dagster and MLflow, and what the command line says of its versions."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest

from image_assets.lake.object_keys import LAST_EPOCH
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.classifiers.mlflow_registry import CHAMPION_ALIAS, REGISTERED_MODEL, import_mlflow
from image_assets.orchestration.jobs import TRAIN_JOB
from image_assets.settings import Settings
from image_assets.steps.classification.challenges import challenge_of_champion, read_challenge
from image_assets.steps.classification.champion import kept_classifiers, read_champion
from image_assets.tables.training import CLASSIFIER_EVALUATIONS

# MLflow's own code uses what its libraries deprecate.
pytestmark = pytest.mark.filterwarnings("ignore")

DAY = "2026-03-14"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

Define = Callable[[Settings], dg.Definitions]


def train(settings: Settings, define: Define, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    job = define(settings).resolve_job_def(TRAIN_JOB)
    return job.execute_in_process(instance=instance, run_config=QUIET, raise_on_error=False)


@pytest.fixture(scope="module")
def taught(
    settings_for: Callable[..., Settings],
    execute_days: Callable[..., dg.ExecuteInProcessResult],
    land: Callable[..., Path],
    draw_picture: Callable[[int], bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> Settings:
    """Settings of a lake with a day of twelve users, each with two labelled pictures."""
    from datetime import date

    root = tmp_path_factory.mktemp("taught")
    for user in range(12):
        for number, label in enumerate(("hat", "dress")):
            path = land(root, date.fromisoformat(DAY), f"{label}.jpg", draw_picture(user * 2 + number), f"user{user}")
            path.with_name(f"{label}.jpg.json").write_text(f'{{"label": "{label}"}}')
    settings = settings_for(root, start_day=DAY)
    assert execute_days(settings, date.fromisoformat(DAY), assets=["bronze_images"]).success
    execute_days(settings, date.fromisoformat(DAY), assets=["silver_images", "image_embeddings"])
    return settings


@pytest.fixture(scope="module")
def first(taught: Settings, define: Define) -> Iterator[dg.ExecuteInProcessResult]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield train(taught, define, instance)


@pytest.fixture(scope="module")
def second(first: dg.ExecuteInProcessResult, taught: Settings, define: Define) -> Iterator[dg.ExecuteInProcessResult]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield train(taught, define, instance)


def test_the_first_training_succeeds_and_its_classifier_is_the_champion(
    first: dg.ExecuteInProcessResult, taught: Settings, tables_of: Callable[[Settings], ParquetTables]
) -> None:
    assert first.success
    champion = read_champion(tables_of(taught).store)
    assert champion is not None
    assert champion.model_version == kept_classifiers(tables_of(taught).store)[-1].model_version


def test_mlflow_has_the_champion_under_its_alias(first: dg.ExecuteInProcessResult, taught: Settings) -> None:
    mlflow = import_mlflow()
    mlflow.set_tracking_uri(taught.tracking.uri)
    model = mlflow.pyfunc.load_model(f"models:/{REGISTERED_MODEL}@{CHAMPION_ALIAS}")
    rows = model.predict(np.eye(3, dtype=np.float32))
    np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-5)


def test_the_mlflow_run_is_finished_and_holds_numbers_and_pictures(
    first: dg.ExecuteInProcessResult, taught: Settings
) -> None:
    client = import_mlflow().MlflowClient(taught.tracking.uri)
    (run,) = client.search_runs(["1"], f"tags.dagster_run_id = '{first.run_id}'")
    pictures = {file.path for file in client.list_artifacts(run.info.run_id) if file.path.endswith(".png")}
    assert run.info.status == "FINISHED"
    assert {"test_accuracy", "test_macro_f1", "test_f1_hat", "validation_calibration_error"} <= run.data.metrics.keys()
    assert pictures == {"confusion_matrix.png", "reliability_diagram.png", "risk_coverage_curve.png"}


def test_run_and_registry_say_which_classifier_it_is_and_how_good(
    first: dg.ExecuteInProcessResult, taught: Settings, tables_of: Callable[[Settings], ParquetTables]
) -> None:
    client = import_mlflow().MlflowClient(taught.tracking.uri)
    (card, *_) = kept_classifiers(tables_of(taught).store)
    registered = client.get_model_version(REGISTERED_MODEL, card.registry_number)
    assert client.get_run(registered.run_id).info.run_name == card.model_version
    assert "the test split is no forecast" in registered.description
    assert "image-assets train" in client.get_registered_model(REGISTERED_MODEL).description


def test_the_scores_of_a_classifier_are_numbers_to_plot(
    first: dg.ExecuteInProcessResult, metadata_of: Callable[..., dict[tuple[str, str], dict[str, Any]]]
) -> None:
    told = metadata_of(first)
    trained, compared = told["classifier", "None"], told["classifier_evaluations", "None"]
    assert trained["test_macro_f1"] == compared["challenger_macro_f1"]
    assert trained.keys() >= {"validation_accuracy", "test_accuracy", "test_calibration_error"}


def test_the_check_shows_the_comparison(first: dg.ExecuteInProcessResult) -> None:
    found = {check.check_name: check for check in first.get_asset_check_evaluations()}
    assert found["challenger_wins"].passed
    assert "challenger" in str(found["challenger_wins"].metadata["scores"].value)


def test_the_same_lessons_give_the_same_version_and_nothing_is_promoted(
    second: dg.ExecuteInProcessResult, taught: Settings, tables_of: Callable[[Settings], ParquetTables]
) -> None:
    assert second.success
    store = tables_of(taught).store
    champion = read_champion(store)
    assert champion is not None
    assert (len(kept_classifiers(store)), champion.predecessors) == (1, ())
    told = tables_of(taught).read(CLASSIFIER_EVALUATIONS, None)
    assert (told.height, told["is_promoted"].all()) == (1, True)
    kept = challenge_of_champion(tables_of(taught))
    assert kept is not None
    assert (kept.champion, kept.challenger) == (None, champion.model_version)


def test_an_mlflow_that_is_down_fails_the_training_in_words_and_keeps_nothing(
    taught: Settings,
    define: Define,
    instance: dg.DagsterInstance,
    tmp_path: Path,
    settings_for: Callable[..., Settings],
) -> None:
    shutil.copytree(taught.root, tmp_path / "lake", ignore=shutil.ignore_patterns("models", "mlflow*"))
    settings = settings_for(tmp_path / "lake", start_day=DAY, mlflow_tracking_uri="http://127.0.0.1:9")
    result = train(settings, define, instance)
    (failure,) = [
        event.step_failure_data
        for event in result.all_events
        if event.step_key == "classifier" and event.is_step_failure
    ]
    assert "IMAGE_ASSETS_MLFLOW_TRACKING_URI" in str(failure.user_failure_data)
    assert not (settings.root / "models").exists()


def test_a_fine_tuning_is_compared_with_the_head_and_leaves_no_epoch_behind(
    first: dg.ExecuteInProcessResult,
    taught: Settings,
    define: Define,
    instance: dg.DagsterInstance,
    tmp_path: Path,
    settings_for: Callable[..., Settings],
    tables_of: Callable[[Settings], ParquetTables],
) -> None:
    shutil.copytree(taught.root, tmp_path / "lake", ignore=shutil.ignore_patterns("mlflow*"))
    settings = settings_for(tmp_path / "lake", start_day=DAY, trainer="fine-tune", fine_tune_epochs=1)
    tables = tables_of(settings)
    champion = read_champion(tables.store)
    assert train(settings, define, instance).success
    card = kept_classifiers(tables.store)[-1]
    challenge = read_challenge(tables, card.model_version)
    assert champion is not None
    assert challenge is not None
    assert (card.trainer, card.encoder, challenge.champion) == ("fine-tune", None, champion.model_version)
    assert not tables.store.exists(LAST_EPOCH)
