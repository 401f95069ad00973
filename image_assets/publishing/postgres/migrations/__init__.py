"""The schema as numbered files of SQL, each run once, in order and never back."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Final

import psycopg

from image_assets.errors import ConfigurationError, StorageError
from image_assets.publishing.postgres.server import Connection

_LOCK: Final = 0x1_3A6E_A55E
"""Of two who migrate at once the second waits, and finds nothing to do."""

_NO_PGVECTOR: Final = (
    "pgvector cannot be had there: install it on the server (package postgresql-NN-pgvector; extension “vector” of "
    "managed services), and let an administrator run CREATE EXTENSION vector in this database"
)
_SCHEMA: Final = (
    "give it a schema of its own: CREATE SCHEMA photos, and …?options=-csearch_path%3Dphotos,public in "
    "IMAGE_ASSETS_POSTGRES"
)


def migrate(connection: Connection) -> None:
    """Bring the schema to the version of this program.

    Raises:
        ConfigurationError: pgvector is missing, the schema is newer than this program, or has tables of others by the
            names of ours.
    """
    if schema_version(connection) == newest_version():
        return
    with _own_names(), connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        _create_extension(connection)
        connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version integer PRIMARY KEY, at timestamptz)")
        found = schema_version(connection)
        for version, statements in sorted(_statements().items()):
            if version > found:
                connection.execute(statements)
                connection.execute("INSERT INTO schema_version VALUES (%s, now())", [version])


@contextmanager
def _own_names() -> Iterator[None]:
    try:
        yield
    except (psycopg.errors.DuplicateTable, psycopg.errors.DuplicateObject, psycopg.errors.UndefinedColumn) as error:
        # What is there may be somebody's data: it is neither used nor replaced.
        raise ConfigurationError(f"{str(error).splitlines()[0]}, which image-assets did not make: {_SCHEMA}") from error


def check_version(connection: Connection) -> None:
    """Refuse to read a schema that is not of this program's version; `StorageError`."""
    found = schema_version(connection)
    if found != newest_version():
        raise StorageError(
            f"the schema is of version {found}, wanted is {newest_version()}: run postgres_gold of a day"
        )


def newest_version() -> int:
    """The version of this program."""
    return max(_statements())


def schema_version(connection: Connection) -> int:
    """The version that is there, 0 for none; `ConfigurationError` when it is newer than this program."""
    (is_there,) = connection.execute("SELECT to_regclass('schema_version') IS NOT NULL").fetchone() or (False,)
    found = connection.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchone() if is_there else None
    version = int(found[0]) if found else 0
    if version > newest_version():
        raise ConfigurationError(
            f"the schema in PostgreSQL is of version {version}, this program knows {newest_version()}: "
            "update image-assets, or publish to another database or schema"
        )
    return version


def _create_extension(connection: Connection) -> None:
    """It may be there already, made by somebody who may."""
    try:
        with connection.transaction():
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except (psycopg.errors.FeatureNotSupported, psycopg.errors.UndefinedFile) as error:
        raise ConfigurationError(_NO_PGVECTOR) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise ConfigurationError(f"{_NO_PGVECTOR} (this user may not)") from error


def _statements() -> dict[int, str]:
    found = (file for file in files(__name__).iterdir() if file.name.endswith(".sql"))
    return {int(file.name[:4]): file.read_text() for file in found}
