"""Rows as PostgreSQL's binary COPY takes them: vectors, ids and JSON are packed a column at a time, before any loop."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from psycopg import sql
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.types import TypeInfo

from image_assets.publishing.postgres.server import Connection

PACKED: Final = ("uuid", "jsonb", "halfvec", "vector")
"""Types whose values are given as bytes in the server's own form."""

_FLOATS: Final = {"halfvec": ">f2", "vector": ">f4"}
_JSONB_VERSION: Final = b"\x01"


class PackedDumper(Dumper):
    """Sends bytes as they are; of no type, so that the server takes them for the one that it wants."""

    format = Format.BINARY

    def dump(self, obj: bytes) -> Buffer:
        """See `Dumper`."""
        return obj


class PackedVector(bytes):
    """A vector as a parameter of a query, which casts it: `%b::halfvec`."""

    __slots__ = ()


def pack_vectors(vectors: npt.NDArray[np.float32], kind: str) -> list[PackedVector]:
    """Vectors, rows x dimension, each as halfvec or vector: dimension, zero, numbers, big-endian."""
    rows, dimension = vectors.shape
    head = np.broadcast_to(np.array([dimension, 0], ">i2").view(np.uint8), (rows, 4))
    body = np.ascontiguousarray(vectors, dtype=_FLOATS[kind]).view(np.uint8)
    data, width = np.concatenate([head, body], axis=1).tobytes(), 4 + body.shape[1]
    return [PackedVector(data[start : start + width]) for start in range(0, rows * width, width)]


def pack_json(text: str) -> bytes:
    """JSON as jsonb."""
    return _JSONB_VERSION + text.encode()


def copy_rows(
    connection: Connection, table: str, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[Any]]
) -> None:
    """Put rows into these columns, name and type each, of a table."""
    names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table), names)
    oids = {kind: _oid(connection, kind) for _, kind in columns}
    with connection.cursor() as cursor:
        for kind in set(oids).intersection(PACKED):
            cursor.adapters.register_dumper(None, type("Packed", (PackedDumper,), {"oid": oids[kind]}))
        with cursor.copy(statement) as copy:
            copy.set_types([oids[kind] for _, kind in columns])
            for row in rows:
                copy.write_row(row)


def _oid(connection: Connection, kind: str) -> int:
    known = connection.adapters.types.get(kind)
    if known is None:
        known = TypeInfo.fetch(connection, kind)
        assert known is not None
        known.register(connection)
    return known.oid
