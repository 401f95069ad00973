"""Having a classifier trained by a process of its own, which outlives whoever asked for it; imports no Dagster.

The command line and a service call the same function. How far it is stands in the lake: `training_runs.read_training`.
"""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Final

from image_assets.errors import StoreUnavailableError
from image_assets.lake.object_store import ObjectStore
from image_assets.opening import open_objects
from image_assets.orchestration.instance.dagster_home import DagsterHome, find_dagster_home
from image_assets.settings import PREFIX, Settings
from image_assets.steps.classification.training_runs import (
    Outcome,
    TrainingRun,
    announce_training,
    read_training,
)
from image_assets.steps.classification.training_teller import TrainingTeller

LOG_FILE: Final = "training.log"


def start_training(settings: Settings, started_by: str) -> TrainingRun:
    """Begin to train from all labels, and to predict anew if the new classifier wins; returns at once.

    Args:
        settings: name the lake; everything else the process takes from the environment, as every command does.
        started_by: who wants it.

    Raises:
        ConfigurationError: there is no Dagster instance here.
        AlreadyTrainingError: a training is under way.
        StoreUnavailableError: no process can be started.
    """
    home, store = find_dagster_home(), open_objects(settings)
    run = announce_training(store, started_by, datetime.now(UTC))
    try:
        process = _start(settings, _log_of(home), run)
    except OSError as error:
        TrainingTeller(store, run).finish(Outcome.FAILED, f"no process could be started: {error}")
        raise StoreUnavailableError(f"no process could be started to train: {error}") from error
    Thread(target=_watch, args=(process, store, run, _log_of(home)), daemon=True, name="training").start()
    return run


def _start(settings: Settings, log: Path, run: TrainingRun) -> "subprocess.Popen[bytes]":
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, f"{PREFIX}ROOT": str(settings.root)}
    command = [sys.executable, "-P", "-m", "image_assets", "train", "--as", run.training_id]
    with log.open("wb") as output:
        # A session of its own: neither Ctrl-C in this terminal nor the end of this process reaches it.
        return subprocess.Popen(  # noqa: S603 - our own command
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, start_new_session=True
        )


def _watch(process: "subprocess.Popen[bytes]", store: ObjectStore, run: TrainingRun, log: Path) -> None:
    """Tell of a process that ended without a word; while this one lives, which need not be as long."""
    code = process.wait()
    last = read_training(store, datetime.now(UTC))
    if code and last and last.training_id == run.training_id and not last.process:
        TrainingTeller(store, last).finish(Outcome.FAILED, f"its process ended with code {code}: see {log}")


def _log_of(home: DagsterHome) -> Path:
    """What the process says, of the last training: beside Dagster's files."""
    return (home.sqlite_folder or home.config.parent) / LOG_FILE
