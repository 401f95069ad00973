"""The server: connections, and its errors in the words of the family. Nothing here ever shows the password."""

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeAlias, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from image_assets.errors import (
    ConfigurationError,
    ImageAssetsError,
    StorageError,
    StoreFullError,
    StoreReadOnlyError,
    StoreUnavailableError,
)

Connection: TypeAlias = psycopg.Connection[Any]

_T = TypeVar("_T")
_DEFAULTS: Final = {"application_name": "image_assets", "connect_timeout": "10"}
_LOCK_TIMEOUT: Final = "60s"
# The server says so before there is a connection that could tell its code.
_REFUSED: Final = ("password", "authentication", "does not exist", "pg_hba.conf", "permission denied")
_FULL: Final = (psycopg.errors.DiskFull, psycopg.errors.OutOfMemory)
_LATER: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
)


class Postgres:
    """A database, named by a libpq URL; connections are made when they are needed, and lent again.

    Raises:
        ConfigurationError: the URL is none.
    """

    def __init__(self, url: SecretStr) -> None:
        try:
            self._parameters = {**_DEFAULTS, **conninfo_to_dict(url.get_secret_value())}
        except psycopg.ProgrammingError:
            # Its words may repeat the password.
            raise ConfigurationError(
                "IMAGE_ASSETS_POSTGRES is no libpq URL, such as postgresql://user:password@host:5432/database; "
                "percent-encode what is special in its parts"
            ) from None
        self._idle: SimpleQueue[Connection] = SimpleQueue()
        weakref.finalize(self, _close, self._idle)

    @property
    def place(self) -> str:
        """Where it is, to be told."""
        told = self._parameters
        return f"{told.get('dbname', told.get('user', ''))} at {told.get('host', 'localhost')}:{told.get('port', 5432)}"

    @property
    def user(self) -> str:
        """Who writes there."""
        return str(self._parameters.get("user", "the user"))

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """A connection of its own, in autocommit; what is wrong is told as an error of the family."""
        with self.told():
            connection = self._connect()
            try:
                yield connection
            finally:
                connection.close()

    def ask(self, question: Callable[[Connection], _T]) -> _T:
        """The answer to a question, over a connection that is kept for the next one; a stale one is made anew."""
        with self.told():
            try:
                connection = self._idle.get_nowait()
            except Empty:
                return self._asked(question, self._connect())
            try:
                return self._asked(question, connection)
            except (psycopg.OperationalError, psycopg.InterfaceError):
                return self._asked(question, self._connect())

    def _asked(self, question: Callable[[Connection], _T], connection: Connection) -> _T:
        try:
            answer = question(connection)
        except BaseException:
            connection.close()
            raise
        self._idle.put(connection)
        return answer

    def _connect(self) -> Connection:
        # Plans are not kept: they would be those of other settings, and poolers between do not keep them either.
        connection = psycopg.connect(**self._parameters, autocommit=True, prepare_threshold=None)  # type: ignore[arg-type]
        connection.execute("SELECT set_config('lock_timeout', %s, false)", [_LOCK_TIMEOUT])
        return connection

    @contextmanager
    def told(self) -> Iterator[None]:
        """Translate errors of psycopg into the family, at this one place."""
        try:
            yield
        except psycopg.Error as error:
            raise self._translated(error) from error

    def _translated(self, error: psycopg.Error) -> ImageAssetsError:
        words = (str(error).strip() or type(error).__name__).splitlines()[0]
        what = f"PostgreSQL ({self.place}): {words}"
        if isinstance(error, psycopg.errors.InsufficientPrivilege):
            return ConfigurationError(f"{what}; IMAGE_ASSETS_POSTGRES names {self.user}, who may not: {_GRANT}")
        if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
            return StoreReadOnlyError(f"{what}; it can only be read there: name its primary in IMAGE_ASSETS_POSTGRES")
        if isinstance(error, _FULL):
            return StoreFullError(f"{what}; give it room and run again: nothing was half published")
        if error.sqlstate is None and any(each in words for each in _REFUSED):
            return ConfigurationError(f"{what}; correct IMAGE_ASSETS_POSTGRES, or make the user or database there")
        if isinstance(error, _LATER):
            return StoreUnavailableError(f"{what}; run again when it answers: nothing was half published")
        return StorageError(what)


_GRANT: Final = "who publishes owns the tables and may CREATE in the schema, who searches may SELECT"


def _close(idle: "SimpleQueue[Connection]") -> None:
    with suppress(Empty):
        while True:
            idle.get_nowait().close()
