"""The column of vectors and its graph (HNSW): made with the dimension of the first encoder, refused to any other."""

from dataclasses import dataclass
from typing import Final, Literal

from psycopg import sql

from image_assets.errors import ConfigurationError
from image_assets.publishing.postgres.server import Connection

VectorKind = Literal["halfvec", "vector"]

_MOST_INDEXED: Final = {"halfvec": 4_000, "vector": 2_000}
"""Numbers per vector that pgvector's graph takes."""
_BYTES: Final = {"halfvec": 2, "vector": 4}
_GRAPH_LOCK: Final = 0x2_3A6E_A55E
_MEMORY_MB: Final = (64, 1024)
_GRAPH_OVERHEAD: Final = 1.5
GRAPH: Final = "images_embedding"


@dataclass(frozen=True, slots=True)
class VectorColumn:
    """What vectors are kept as.

    Attributes:
        kind: halfvec is half the size, and near enough for search; vector is exact.
        dimension: numbers per vector.
    """

    kind: VectorKind
    dimension: int

    @property
    def type(self) -> str:
        """In SQL."""
        return f"{self.kind}({self.dimension})"


def ensure_column(connection: Connection, wanted: VectorColumn) -> None:
    """Make the column; whoever drops it has every row written again.

    Raises:
        ConfigurationError: it has another dimension or kind, or one that cannot be indexed.
    """
    if wanted.dimension > _MOST_INDEXED[wanted.kind]:
        raise ConfigurationError(
            f"pgvector indexes no {wanted.type}: {wanted.kind} has {_MOST_INDEXED[wanted.kind]} numbers at most; "
            "set IMAGE_ASSETS_POSTGRES_VECTORS=halfvec, or take an encoder of fewer"
        )
    found = column_type(connection)
    if found is None:
        with connection.transaction():
            connection.execute(f"ALTER TABLE images ADD COLUMN IF NOT EXISTS embedding {wanted.type}")
            connection.execute("UPDATE images SET version = ''")
    elif found != wanted.type:
        raise ConfigurationError(
            f"images.embedding in PostgreSQL is {found}, wanted is {wanted.type}: publish to another database or "
            "schema (…?options=-csearch_path%3Dname,public), or give up the vectors that are there: "
            "ALTER TABLE images DROP COLUMN embedding, then run postgres_gold of all days again"
        )


def column_type(connection: Connection) -> str | None:
    """In SQL, such as halfvec(768); None while there is no column, or no table."""
    row = connection.execute(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = to_regclass('images') AND attname = 'embedding' AND NOT attisdropped"
    ).fetchone()
    return str(row[0]).rpartition(".")[2] if row else None


def drop_graph(connection: Connection) -> None:
    """Before many vectors come; searches compare every vector until it is built again."""
    connection.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(sql.Identifier(GRAPH)))


def build_graph(connection: Connection, column: VectorColumn) -> bool:
    """Build the graph where it is missing, and say whether it was; readers go on meanwhile, writers wait."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_GRAPH_LOCK])
        (is_there,) = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [GRAPH]).fetchone() or (False,)
        if not is_there:
            connection.execute("SELECT set_config('maintenance_work_mem', %s, true)", [_memory(connection, column)])
            build = sql.SQL("CREATE INDEX {} ON images USING hnsw (embedding {})")
            operators = sql.SQL(f"{column.kind}_cosine_ops")
            connection.execute(build.format(sql.Identifier(GRAPH), operators))
    return not is_there


def _memory(connection: Connection, column: VectorColumn) -> str:
    """As much as the graph takes, within bounds: what does not fit is built much more slowly."""
    (rows,) = connection.execute("SELECT count(embedding) FROM images").fetchone() or (0,)
    wanted = rows * (column.dimension * _BYTES[column.kind] + 400) * _GRAPH_OVERHEAD / 2**20
    low, high = _MEMORY_MB
    return f"{int(min(max(wanted, low), high))}MB"
