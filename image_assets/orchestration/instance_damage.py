"""What is wrong with Dagster's SQLite files: which one, and what to do."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from image_assets.orchestration.instance_files import sqlite_files

_PATIENCE_S = 5.0
_AGAIN = "image-assets doctor says whether that helped"


def describe_damage(folder: Path) -> str | None:
    """The first file that cannot be used, why, and what to do; None while all can."""
    return next((told for told in map(_described, _all_files(folder)) if told), None)


def _all_files(folder: Path) -> Iterator[Path]:
    usual = sqlite_files(folder)
    yield from usual
    yield from sorted(file for file in (folder / "history" / "runs").glob("*.db") if file not in usual)


def _described(file: Path) -> str | None:
    if not file.exists():
        return None
    try:
        with closing(sqlite3.connect(file, timeout=_PATIENCE_S, isolation_level=None)) as connection:
            return _found(file, connection)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return f"{file} {_trouble(file, str(error))}"


def _found(file: Path, connection: sqlite3.Connection) -> str | None:
    connection.execute("begin immediate")
    connection.execute("rollback")
    (verdict,) = connection.execute("pragma quick_check(1)").fetchone()
    if verdict != "ok":
        return f"{file} {_damaged(file, ' '.join(verdict.split()))}"
    if connection.execute("select 1 from sqlite_master where name = 'alembic_version'").fetchone():
        (versions,) = connection.execute("select count(*) from alembic_version").fetchone()
        if versions > 1:
            return f"{file} {_damaged(file, 'two programs made it at once, so that it has two heads in alembic_version')}"
    return None


def _trouble(file: Path, error: str) -> str:
    if "locked" in error:
        return (
            f"is locked by another program ({error}): wait for it or end it, 'fuser {file}' names its pid; then run the "
            "same command again"
        )
    if "unable to open" in error or "readonly" in error:
        return f"cannot be opened ({error}): it has to be a file that this user may read and write, in such a folder"
    return _damaged(file, error)


def _damaged(file: Path, why: str) -> str:
    forgets = "schedules and sensors are switched on again by hand" if file.stem == "schedules" else "it forgets its runs"
    return (
        f"is damaged ({why}): move it away, with {file.name}-wal and {file.name}-shm beside it. Dagster makes a new one; "
        f"{forgets}, no image and no table is lost. {_AGAIN}"
    )
