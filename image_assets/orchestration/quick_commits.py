"""Dagster's SQLite files, written without waiting for the disk at every event.

Dagster opens and closes a connection for each of the hundreds of events of a run. Whoever closes a file's last
connection copies the journal back into the file and waits for the disk. An idle connection that stays open keeps the
journal, and with `synchronous=NORMAL` the disk is waited for only when the journal has grown. A power cut may cost the
last events of a run, never the file; the tables of the lake do not depend on either.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, event

_FILES_KEPT_OPEN = 8


@contextmanager
def quick_commits() -> Iterator[None]:
    """Meanwhile commits to SQLite files that keep a write-ahead journal, as Dagster's do, are quick."""
    kept: dict[str, sqlite3.Connection] = {}

    def hurry(connection: object, _: object) -> None:
        if not isinstance(connection, sqlite3.Connection) or _value(connection, "PRAGMA journal_mode") != "wal":
            return
        connection.execute("PRAGMA synchronous=NORMAL")
        file = str(_value(connection, "SELECT file FROM pragma_database_list WHERE name = 'main'"))
        if file not in kept:
            kept[file] = sqlite3.connect(file, check_same_thread=False)
            # Only a connection that has read the file keeps its journal.
            _value(kept[file], "SELECT count(*) FROM sqlite_master")
        while len(kept) > _FILES_KEPT_OPEN:
            kept.pop(next(iter(kept))).close()

    event.listen(Engine, "connect", hurry)
    try:
        yield
    finally:
        event.remove(Engine, "connect", hurry)
        for connection in kept.values():
            connection.close()


def _value(connection: sqlite3.Connection, statement: str) -> object:
    return connection.execute(statement).fetchone()[0]
