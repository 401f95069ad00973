"""Dagster's SQLite files, kept open while a run lasts; results that follow each other are written in one go.

Dagster opens and closes its files for every event, and commits each. A run of many days records a result per day and
check, one after the other: that was half of what an unchanged day cost.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cache

import dagster as dg

# Private: which files there are, and how they are opened, is known to the storage alone.
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from sqlalchemy import NullPool, create_engine
from sqlalchemy.engine import Connection

# Dagster tells of many at once, and of something else right after them.
_RESULTS = {
    dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
}


@contextmanager
def kept_open(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Hold a connection to each file that the run's events go to, for the thread that does the run.

    May be entered again in the same run: its resources are made more than once.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage) or isinstance(storage.store_event, _Writing):
        yield
        return
    with ExitStack() as held:
        files = _OpenFiles(storage, {INDEX_SHARD_NAME, run_id}, held)
        # Dagster has no place for connections of one's own.
        storage._connect = files  # type: ignore[method-assign]
        storage.store_event = _Writing(storage, files)  # type: ignore[method-assign]
        # It opens the file once more for every result.
        storage.has_table = cache(storage.has_table)  # type: ignore[method-assign]
        try:
            yield
        finally:
            del storage._connect, storage.store_event, storage.has_table
            files.commit()


class _OpenFiles:
    """In place of `_connect`: whoever asks writes to the disk as soon as he is done, unless results are pending."""

    def __init__(self, storage: SqliteEventLogStorage, shards: set[str], held: ExitStack) -> None:
        self._storage, self._shards, self._held = storage, shards, held
        self._usual = storage._connect
        self._thread = threading.get_ident()
        self._connections: dict[str, Connection] = {}
        self.is_writing_event = False

    @property
    def is_here(self) -> bool:
        """Whether it is the run's thread that asks: no other one may use its connections."""
        return threading.get_ident() == self._thread

    @contextmanager
    def __call__(self, shard: str) -> Iterator[Connection]:
        if not self.is_here or shard not in self._shards:
            with self._usual(shard) as connection:
                yield connection
            return
        connection = self._opened(shard)
        if not self.is_writing_event:
            self.commit()
        if not connection.in_transaction():
            connection.begin()
        try:
            yield connection
        except BaseException:
            self.roll_back()
            raise
        if not self.is_writing_event:
            self.commit()

    def commit(self) -> None:
        for connection in self._connections.values():
            connection.commit()

    def roll_back(self) -> None:
        for connection in self._connections.values():
            connection.rollback()

    def _opened(self, shard: str) -> Connection:
        if shard not in self._connections:
            # Makes the file with its tables, where it is not there yet.
            with self._usual(shard):
                pass
            where, patience = self._storage.conn_string_for_shard(shard), {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
            engine = create_engine(where, poolclass=NullPool, connect_args=patience)
            self._connections[shard] = self._held.enter_context(closing(engine.connect()))
        return self._connections[shard]


class _Writing:
    """In place of `store_event`: results wait for the event that follows, which comes as soon as the last is told."""

    def __init__(self, storage: SqliteEventLogStorage, files: _OpenFiles) -> None:
        self._usual, self._files = storage.store_event, files

    def __call__(self, event: dg.EventLogEntry) -> None:
        if not self._files.is_here:
            self._usual(event)
            return
        self._files.is_writing_event = True
        try:
            self._usual(event)
        finally:
            self._files.is_writing_event = False
        if not (event.dagster_event and event.dagster_event.event_type in _RESULTS):
            self._files.commit()
