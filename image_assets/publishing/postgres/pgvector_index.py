"""Vectors in PostgreSQL as an index: those of a table of its own, or those that were published."""

from pathlib import Path
from typing import Any, Final, Self
from uuid import uuid4

import numpy as np
from psycopg import sql

from image_assets.errors import SearchError
from image_assets.publishing.postgres.binary import PackedDumper, PackedVector, copy_rows, pack_vectors
from image_assets.publishing.postgres.server import Connection, Postgres
from image_assets.publishing.postgres.vector_column import VectorColumn
from image_assets.search.exact_index import ExactIndex
from image_assets.search.graph_walk import DEEPER, walk_deeper
from image_assets.search.vector_index import Keys, Neighbours, Vectors, best_of, check_dimension

_LEAST_WIDTH, _MOST_WIDTH = 100, 1_000
"""Candidates that a walk keeps (`hnsw.ef_search`); where more are wanted it goes on from where it ended."""
_SETTINGS: Final = (
    "SELECT set_config('hnsw.ef_search', %s, true), set_config('hnsw.iterative_scan', 'relaxed_order', true), "
    "set_config('hnsw.max_scan_tuples', '1000000000', true), set_config('enable_indexscan', %s, true)"
)


class PgvectorIndex:
    """A `VectorIndex` whose graph is walked by the server (HNSW), in the precision of its column.

    Args:
        server: the database.
        column: what its vectors are kept as.
        table: has them as `embedding`.
        key: their numbers there.
        seen: of somebody else's vectors, which are not changed here: how many there were.
    """

    def __init__(
        self, server: Postgres, column: VectorColumn, table: str, key: str = "key", seen: int | None = None
    ) -> None:
        self._server, self._column, self._seen = server, column, seen
        self._name, self._table, self._key = table, sql.Identifier(table), sql.Identifier(key)
        self._cast = sql.SQL(f"%b::{column.type}")

    @classmethod
    def empty(cls, server: Postgres, column: VectorColumn) -> Self:
        """In a new table, without vectors."""
        index = cls(server, column, f"vectors_{uuid4().hex}")
        table = f"CREATE UNLOGGED TABLE {{}} (key bigint PRIMARY KEY, embedding {column.type} NOT NULL)"
        graph = f"CREATE INDEX ON {{}} USING hnsw (embedding {column.kind}_cosine_ops)"

        def make(connection: Connection) -> None:
            for statement in (table, graph):
                connection.execute(sql.SQL(statement).format(index._table))

        server.ask(make)
        return index

    @classmethod
    def load(cls, path: Path, server: Postgres, column: VectorColumn) -> Self:
        """In a new table, with the vectors of a saved file."""
        saved = ExactIndex.open(path)
        index = cls.empty(server, column)
        index.add(saved.keys, saved.vectors)
        return index

    @property
    def dimension(self) -> int:
        """See `VectorIndex`."""
        return self._column.dimension

    @property
    def keys(self) -> Keys:
        """See `VectorIndex`."""
        rows = self._rows("SELECT {key} FROM {table} WHERE embedding IS NOT NULL ORDER BY 1")
        return np.array([key for (key,) in rows], dtype=np.uint64)

    def __len__(self) -> int:
        """See `VectorIndex`."""
        if self._seen is not None:
            return self._seen
        ((count,),) = self._rows("SELECT count(embedding) FROM {table}")
        return int(count)

    def add(self, keys: Keys, vectors: Vectors) -> None:
        """See `VectorIndex`."""
        check_dimension(vectors, self.dimension)
        self.remove(keys)
        columns = [("key", "int8"), ("embedding", self._column.kind)]

        def put(connection: Connection) -> None:
            rows = zip(keys.tolist(), pack_vectors(vectors, self._column.kind), strict=True)
            copy_rows(connection, self._name, columns, rows)

        self._server.ask(put)

    def remove(self, keys: Keys) -> None:
        """See `VectorIndex`."""
        if self._seen is not None:
            raise SearchError("what was published is not changed by search: run postgres_gold")
        statement, those = self._named("DELETE FROM {table} WHERE {key} = ANY(%s)"), keys.astype(np.int64).tolist()
        self._server.ask(lambda connection: connection.execute(statement, [those]))

    def search(self, query: Vectors, count: int, among: Keys | None = None) -> Neighbours:
        """See `VectorIndex`."""
        check_dimension(query, self.dimension)
        return walk_deeper(self, query, count, among)

    def walk(self, query: Vectors, depth: int) -> Neighbours:
        """See `Graph`; by comparison when most are wanted, because a graph may have islands."""
        if not depth:
            return Neighbours(np.empty(0, np.uint64), np.empty(0, np.float32))
        is_graph = depth * DEEPER <= len(self)
        question = "SELECT {key}, 1 - (embedding <=> {query}) FROM {table} WHERE embedding IS NOT NULL "
        return self._nearest(question + "ORDER BY embedding <=> {query} LIMIT %s", query, depth, is_graph=is_graph)

    def compare(self, query: Vectors, keys: Keys, count: int) -> Neighbours:
        """See `Graph`."""
        question = (
            "SELECT {key}, 1 - (embedding <=> {query}) FROM {table} WHERE {key} = ANY(%s) AND embedding IS NOT NULL"
        )
        found = self._nearest(question, query, keys.astype(np.int64).tolist(), is_graph=True)
        return best_of(found.keys, found.scores, count)

    def save(self, path: Path) -> None:
        """See `VectorIndex`; a file as an `ExactIndex` has it."""
        rows = self._rows("SELECT {key}, embedding::real[] FROM {table} WHERE embedding IS NOT NULL")
        vectors = np.array([vector for _, vector in rows], dtype=np.float32).reshape(len(rows), self.dimension)
        exact = ExactIndex.empty(self.dimension)
        exact.add(np.array([key for key, _ in rows], dtype=np.uint64), vectors)
        exact.save(path)

    def _nearest(self, question: str, query: Vectors, asked: object, *, is_graph: bool) -> Neighbours:
        """Keys and scores of a question, which has the vector in two places or one, and then what is asked."""
        vector = pack_vectors(query, self._column.kind)
        width = asked if isinstance(asked, int) else 0
        settings = str(min(max(width, _LEAST_WIDTH), _MOST_WIDTH)), "on" if is_graph else "off"

        def answered(connection: Connection) -> list[tuple[int, float]]:
            connection.adapters.register_dumper(PackedVector, PackedDumper)
            with connection.transaction():
                connection.execute(_SETTINGS, settings)
                return connection.execute(
                    self._named(question), [*vector * question.count("{query}"), asked]
                ).fetchall()

        found = self._server.ask(answered)
        keys = np.array([key for key, _ in found], dtype=np.uint64)
        return best_of(keys, np.array([score for _, score in found], dtype=np.float32), len(found))

    def _named(self, text: str) -> sql.Composed:
        return sql.SQL(text).format(table=self._table, key=self._key, query=self._cast)

    def _rows(self, text: str) -> list[tuple[Any, ...]]:
        return self._server.ask(lambda connection: connection.execute(self._named(text)).fetchall())
