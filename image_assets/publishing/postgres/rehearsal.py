"""Whether a day could be published: all that comes before its rows is done, and taken back."""

from image_assets.publishing.postgres.migrations import migrate, newest_version
from image_assets.publishing.postgres.server import Postgres
from image_assets.publishing.postgres.vector_column import VectorColumn, ensure_column

_CHANGES = (
    "UPDATE images SET version = version WHERE false",
    "DELETE FROM images WHERE false",
    "INSERT INTO published_days SELECT * FROM published_days WHERE false",
)
_TOLD = """
SELECT current_setting('server_version'), (SELECT extversion FROM pg_extension WHERE extname = 'vector'),
       (SELECT count(*) FROM published_days)
"""


def rehearse(server: Postgres, column: VectorColumn) -> str:
    """What is there, in words; nothing is changed.

    Raises:
        ConfigurationError: the server, its schema or its user will not do.
        StoreUnavailableError: it does not answer, or can only be read.
    """
    with server.connected() as connection, connection.transaction(force_rollback=True):
        migrate(connection)
        ensure_column(connection, column)
        for change in _CHANGES:
            connection.execute(change)
        version, extension, days = connection.execute(_TOLD).fetchone() or ("", "", 0)
    return (
        f"{server.place}: PostgreSQL {version}, pgvector {extension}, schema {newest_version()}, {column.type}; "
        f"{days} days are published"
    )
