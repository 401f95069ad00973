"""Dagster's SQLite files: made once, whoever comes at the same time."""

import logging
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from image_assets.errors import StorageError
from image_assets.orchestration.instance.dagster_home import sqlite_files
from image_assets.orchestration.runs.at_work import this_process
from image_assets.orchestration.runs.held_files import try_to_hold

_LOCK, _MAKING = "opening.lock", "making"
_PARTS = ("history", "schedules")
_LOOK_EVERY_S, _TELL_AFTER_S, _GIVE_UP_AFTER_S = 0.1, 5.0, 120.0
_OTHERS_TAKE_S = 10.0
_log = logging.getLogger(__name__)


@contextmanager
def opening(folder: Path) -> Iterator[None]:
    """Be the only one of us who opens the files in this folder, and find them whole.

    Two programs that make the same file at once leave it with two versions, which none can read from then on. So they
    are made elsewhere and moved here: another program, which asks nobody, finds all of a file or nothing.

    Raises:
        StorageError: somebody else has been opening them for minutes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder / _LOCK):
        if not any(file.is_file() for file in sqlite_files(folder)):
            _make(folder)
        _wait_for_other_makers(folder)
        yield


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    began = time.monotonic()
    is_told = False
    while True:
        with try_to_hold(lock) as is_ours:
            if is_ours:
                lock.write_text(this_process(), encoding="utf-8")
                yield
                return
        waited = time.monotonic() - began
        words = f"{lock.parent} is being opened by {lock.read_text(encoding='utf-8') or 'another program'}"
        if waited > _GIVE_UP_AFTER_S:
            raise StorageError(f"{words} since {waited:.0f} s: end that process and run the same command again")
        if waited > _TELL_AFTER_S and not is_told:
            is_told = True
            _log.warning("waiting: %s", words)
        time.sleep(_LOOK_EVERY_S)


def _make(folder: Path) -> None:
    # Private: the public ways of making an instance ask for no folder of their own.
    from dagster._core.storage.sqlite_storage import DagsterSqliteStorage

    making = folder / _MAKING
    shutil.rmtree(making, ignore_errors=True)
    DagsterSqliteStorage.from_local(str(making)).dispose()
    for part in _PARTS:
        # Where another program has begun to make its own in the meantime, that one stays.
        try:
            (making / part).rename(folder / part)
        except OSError:
            if not (folder / part).is_dir():
                raise
    shutil.rmtree(making)


def _wait_for_other_makers(folder: Path) -> None:
    """`dagster dev` asks for no lock: what it is making gets its version last, and is left alone until then."""
    give_up_at = time.monotonic() + _OTHERS_TAKE_S
    while any(map(_is_half_made, sqlite_files(folder))) and time.monotonic() < give_up_at:
        time.sleep(_LOOK_EVERY_S)


def _is_half_made(file: Path) -> bool:
    if not file.is_file():
        return False
    try:
        with closing(sqlite3.connect(file)) as connection:
            tables = {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
            return bool(tables) and not (
                "alembic_version" in tables and connection.execute("select 1 from alembic_version").fetchone()
            )
    except sqlite3.Error:
        return False
