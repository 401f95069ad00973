"""What is wrong with SQLite files, Dagster's above all: which one, and what to do."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from image_assets.orchestration.instance.dagster_home import sqlite_files

_PATIENCE_S = 2.0


def describe_damage(folder: Path) -> str | None:
    """The first file of Dagster's that cannot be used, why, and what to do; None while all can."""
    told = (describe_sqlite_damage(file, _without(file)) for file in _all_files(folder))
    return next((each for each in told if each), None)


def describe_sqlite_damage(file: Path, without: str) -> str | None:
    """Why a file cannot be used and what to do, whether it is there or not; `without` says what happens without it."""
    if not file.exists():
        return None
    try:
        with closing(sqlite3.connect(file, timeout=_PATIENCE_S, isolation_level=None)) as connection:
            trouble = _found(connection)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        trouble = str(error)
    return f"{file} {_told(file, trouble, without)}" if trouble else None


def _all_files(folder: Path) -> Iterator[Path]:
    usual = sqlite_files(folder)
    yield from usual
    yield from sorted(file for file in (folder / "history" / "runs").glob("*.db") if file not in usual)


def _without(file: Path) -> str:
    forgets = "what it knew of schedules and sensors" if file.stem == "schedules" else "the runs in it"
    return f"Dagster makes a new one and forgets {forgets}; no image and no table is lost"


def _found(connection: sqlite3.Connection) -> str | None:
    connection.execute("begin immediate")
    connection.execute("rollback")
    (verdict,) = connection.execute("pragma quick_check(1)").fetchone()
    if verdict != "ok":
        return " ".join(verdict.split())
    if connection.execute("select 1 from sqlite_master where name = 'alembic_version'").fetchone():
        (heads,) = connection.execute("select count(*) from alembic_version").fetchone()
        if heads > 1:
            return f"two programs made it at once: it has {heads} heads in alembic_version"
    return None


def _told(file: Path, trouble: str, without: str) -> str:
    if "locked" in trouble:
        return (
            f"is locked by another program ({trouble}): wait for it or end it (fuser {file} names its pid), then run "
            "the same command again"
        )
    if "unable to open" in trouble or "readonly" in trouble:
        return f"cannot be opened ({trouble}): it has to be a file that this user may read and write, in such a folder"
    return f"is damaged ({trouble}): move it away, and {file.name}-wal and {file.name}-shm with it; {without}"
