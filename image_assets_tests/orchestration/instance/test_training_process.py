"""A service has a classifier trained without knowing Dagster or a model, and is told clearly when it cannot."""

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from image_assets.errors import AlreadyTrainingError, ConfigurationError
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.orchestration.instance.training import start_training
from image_assets.settings import Settings
from image_assets.steps.classification.training_runs import (
    Outcome,
    TrainingRun,
    announce_training,
    claiming_training,
    read_training,
)

KNOWS = """
import sys
import image_assets.orchestration.instance.training
import image_assets.steps.classification.challenges
print([name for name in ("dagster", "torch", "mlflow") if name in sys.modules])
"""


@pytest.fixture
def settings(tmp_path: Path, settings_for: Callable[..., Settings]) -> Settings:
    return settings_for(tmp_path / "lake")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for Dagster's memory, named by its variable."""
    folder = tmp_path / "dagster"
    folder.mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    return folder


def training_of(settings: Settings) -> TrainingRun:
    run = read_training(LocalObjectStore(settings.root), datetime.now(UTC))
    assert run is not None
    return run


def test_neither_dagster_nor_a_model_is_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", KNOWS], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_a_dagster_instance_nothing_is_announced(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="set DAGSTER_HOME"):
        start_training(settings, "ann")
    assert read_training(LocalObjectStore(settings.root), datetime.now(UTC)) is None


def test_while_one_trains_no_process_is_started(settings: Settings, home: Path) -> None:
    store = LocalObjectStore(settings.root)
    announce_training(store, "ann", datetime.now(UTC))
    with claiming_training(store), pytest.raises(AlreadyTrainingError, match="ann"):
        start_training(settings, "bob")
    assert not (home / "training.log").exists()


def test_why_a_process_could_not_train_is_told_where_it_is_asked_for(settings: Settings, home: Path) -> None:
    started = start_training(settings, "ann")
    assert started.is_under_way
    give_up_at = time.monotonic() + 120
    while (run := training_of(settings)).is_under_way:
        assert time.monotonic() < give_up_at
        time.sleep(0.1)
    assert (run.training_id, run.outcome, run.started_by) == (started.training_id, Outcome.FAILED, "ann")
    assert "bronze_images" in str(run.problem) or "two labels or more" in str(run.problem), run.problem
