"""Keeping Dagster's SQLite files open while a run lasts.

Dagster opens and closes them for every event, and SQLite tidies up whenever the last one closes: a run of many days,
which records a result per day and check, spent a quarter of its time there.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import dagster as dg

# Private: which files there are is known to the storage alone.
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage


@contextmanager
def kept_open(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Hold a connection to each file that the run's events go to; it reads nothing and locks nothing."""
    with ExitStack() as held:
        for file in _files(instance, run_id):
            connection = held.enter_context(closing(sqlite3.connect(file)))
            # Only the first question opens the file.
            connection.execute("select 1 from sqlite_master").fetchone()
        yield


def _files(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage):
        return []
    return [storage.path_for_shard(shard) for shard in (INDEX_SHARD_NAME, run_id)]
