"""What commits to SQLite files cost meanwhile, and that nothing of it stays behind."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from image_assets.orchestration.quick_commits import quick_commits

NORMAL, FULL = 1, 2


def make_file(path: Path, journal: str) -> Path:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA journal_mode={journal}")
    connection.execute("CREATE TABLE events (name)")
    connection.close()
    return path


def store_event(path: Path) -> int:
    """As Dagster does, by a connection of its own; returns how it waits for the disk."""
    with create_engine(f"sqlite:///{path}", poolclass=NullPool).connect() as connection, connection.begin():
        connection.execute(text("INSERT INTO events VALUES ('started')"))
        return int(connection.execute(text("PRAGMA synchronous")).scalar_one())


def count_events(path: Path) -> int:
    connection = sqlite3.connect(path)
    (events,) = connection.execute("SELECT count(*) FROM events").fetchone()
    connection.close()
    return int(events)


@pytest.fixture
def event_log(tmp_path: Path) -> Path:
    return make_file(tmp_path / "index.db", "wal")


def test_an_event_waits_neither_for_the_disk_nor_for_the_journal(event_log: Path) -> None:
    with quick_commits():
        assert store_event(event_log) == NORMAL
        assert Path(f"{event_log}-wal").exists()


def test_afterwards_the_journal_is_in_the_file_and_all_is_as_before(event_log: Path) -> None:
    with quick_commits():
        store_event(event_log)
    assert (Path(f"{event_log}-wal").exists(), count_events(event_log), store_event(event_log)) == (False, 1, FULL)


def test_of_many_files_the_latest_stay_open(tmp_path: Path) -> None:
    files = [make_file(tmp_path / f"{number}.db", "wal") for number in range(12)]
    with quick_commits():
        for file in files:
            store_event(file)
        kept = [file for file in files if Path(f"{file}-wal").exists()]
    assert kept == files[-len(kept) :] != files


def test_a_file_without_such_a_journal_is_left_alone(tmp_path: Path) -> None:
    with quick_commits():
        assert store_event(make_file(tmp_path / "mlflow.db", "delete")) == FULL
