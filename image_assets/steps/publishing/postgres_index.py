"""The vectors that were published as the index that searches look through."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import polars as pl

from image_assets.errors import DamagedIndexError
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.publishing.postgres.migrations import check_version, schema_version
from image_assets.publishing.postgres.pgvector_index import PgvectorIndex
from image_assets.publishing.postgres.server import Connection, Postgres
from image_assets.publishing.postgres.vector_column import VectorColumn, VectorKind, column_type
from image_assets.steps.publishing.published_rows import label_of
from image_assets.steps.vectors.index_manifest import IndexManifest
from image_assets.steps.vectors.index_store import MEMBER_COLUMNS, StoredIndex
from image_assets.steps.vectors.stored_vectors import vectors_of

_MEMBERS = (
    "COPY (SELECT vector_key, image_id, day, vector_version FROM images "
    "WHERE encoder = {encoder} AND embedding IS NOT NULL ORDER BY vector_key) TO STDOUT (FORMAT CSV)"
)


@dataclass(frozen=True, slots=True)
class PostgresIndex:
    """An `IndexSource`: the table `images` of a database, as it is at the moment.

    Attributes:
        server: the database.
        kind: what vectors are kept as.
    """

    server: Postgres
    kind: VectorKind

    def find(self, tables: ParquetTables, encoder: EncoderDescription) -> IndexManifest | None:
        """See `IndexSource`; an index of none of the encoder's vectors is none."""
        days = self.server.ask(lambda connection: self._days(connection, _label(tables, encoder), encoder))
        if not days:
            return None
        # Who publishes a day gives it a new time: another one is another index.
        state = hashlib.sha256(repr(sorted(days)).encode()).hexdigest()[:32]
        return IndexManifest(
            encoder=encoder.name,
            revision=encoder.revision,
            recipe_version=vectors_of(tables, encoder).recipe_version,
            dimension=encoder.dimension,
            kind="pgvector",
            build=state,
            vectors=sum(images for _, images, _, _ in days),
            next_key=0,
            size_bytes=0,
            days={day.isoformat(): version for day, _, version, _ in days},
        )

    def open(self, _: ParquetTables, manifest: IndexManifest, /) -> Sequence[StoredIndex]:
        """See `IndexSource`."""
        label = f"{manifest.encoder}@{manifest.recipe_version}"
        members = self.server.ask(lambda connection: _members(connection, label))
        column = VectorColumn(self.kind, manifest.dimension)
        index = PgvectorIndex(self.server, column, "images", "vector_key", members.height)
        return [StoredIndex(index, members, has_others=True)]

    def _days(self, connection: Connection, label: str, encoder: EncoderDescription) -> list[tuple[Any, ...]]:
        if not schema_version(connection):
            return []
        check_version(connection)
        wanted, found = VectorColumn(self.kind, encoder.dimension).type, column_type(connection)
        if found not in {wanted, None}:
            raise DamagedIndexError(
                f"images.embedding in PostgreSQL is {found}, wanted is {wanted}: publish this encoder to another "
                "database, or search in the lake (IMAGE_ASSETS_INDEX_IN=lake)"
            )
        query = "SELECT day, images, vectors_version, published_at FROM published_days WHERE encoder = %s"
        return connection.execute(query, [label]).fetchall() if found else []


def _label(tables: ParquetTables, encoder: EncoderDescription) -> str:
    return label_of(encoder, vectors_of(tables, encoder))


def _members(connection: Connection, label: str) -> pl.DataFrame:
    """`MEMBER_COLUMNS` in the order of their keys; there may be millions."""
    from psycopg import sql

    query = sql.SQL(_MEMBERS).format(encoder=sql.Literal(label))
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        found = b"".join(bytes(part) for part in copy)
    if not found:
        return pl.DataFrame(schema=MEMBER_COLUMNS)
    return pl.read_csv(
        BytesIO(found), has_header=False, new_columns=list(MEMBER_COLUMNS), schema_overrides=MEMBER_COLUMNS
    )
