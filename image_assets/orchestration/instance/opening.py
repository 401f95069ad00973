"""Opening the instance that `dagster dev` shows; what is wrong with it is told by file and remedy."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
import yaml
from alembic.util.exc import CommandError
from dagster_shared.serdes.errors import DeserializationError
from sqlalchemy.exc import SQLAlchemyError

from image_assets.errors import ConfigurationError, ImageAssetsError, StorageError
from image_assets.orchestration.instance.dagster_home import CONFIG_FILE, DagsterHome, find_dagster_home
from image_assets.orchestration.instance.damage import describe_damage
from image_assets.orchestration.instance.files import opening
from image_assets.orchestration.runs.at_work import end_abandoned_runs

_NO_CAPTURE = {"module": "dagster.core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
_UNUSABLE = (SQLAlchemyError, sqlite3.Error, CommandError, DeserializationError, json.JSONDecodeError)


@contextmanager
def open_instance() -> Iterator[dg.DagsterInstance]:
    """The instance of DAGSTER_HOME, else of the `dagster.yaml` in the current folder; runs of dead processes are ended.

    Raises:
        ConfigurationError: there is neither, or it says what Dagster does not take.
        StorageError: Dagster's files are locked, damaged or forbidden; also while the instance is used.
    """
    home = find_dagster_home()
    with _explained(home), _open(home) as instance:
        end_abandoned_runs(instance)
        yield instance


def _open(home: DagsterHome) -> dg.DagsterInstance:
    folder = home.sqlite_folder
    lock: AbstractContextManager[None] = opening(folder) if folder else nullcontext()
    try:
        with lock:
            return _instance(home)
    except dg.DagsterError as error:
        raise ConfigurationError(f"{home.config} cannot be used: {error}") from error
    except OSError as error:
        where, why = error.filename or folder, error.strerror or error
        raise StorageError(
            f"{where} cannot be used by Dagster ({why}): this user has to be able to write it"
        ) from error


def _instance(home: DagsterHome) -> dg.DagsterInstance:
    """The instance that `dagster dev` has, but for captured output: this terminal shows it.

    Dagster captures through child processes that a terminal's Ctrl-C ends first, and our last words with them.
    """
    if home.is_named:
        return dg.DagsterInstance.get()
    with TemporaryDirectory() as folder:
        settings = {**home.settings, "compute_logs": _NO_CAPTURE}
        (Path(folder) / CONFIG_FILE).write_text(yaml.safe_dump(settings), encoding="utf-8")
        return dg.DagsterInstance.from_config(folder)


@contextmanager
def _explained(home: DagsterHome) -> Iterator[None]:
    """Whatever comes up while Dagster's files are unusable is told by the file and its remedy."""
    try:
        yield
    except ImageAssetsError:
        raise
    # SQLAlchemy, sqlite3, alembic, yaml and Dagster each raise their own; what is no damage is raised as it was.
    except Exception as error:
        told = describe_damage(home.sqlite_folder) if home.sqlite_folder else None
        # Of a server that does not answer Dagster only tells how often it asked.
        known = error.__cause__ if isinstance(error.__cause__, SQLAlchemyError) else error
        if told is None and not isinstance(known, _UNUSABLE):
            raise
        where = home.sqlite_folder or home.config
        raise StorageError(told or f"Dagster's memory in {where} cannot be used: {_first_line(known)}") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
