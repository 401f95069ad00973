"""Gold to PostgreSQL, day by day; the graph of vectors is left out while many come, and built when they are in."""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.publishing.postgres.images_table import DayChange, replace_day
from image_assets.publishing.postgres.migrations import migrate
from image_assets.publishing.postgres.server import Connection, Postgres
from image_assets.publishing.postgres.vector_column import (
    VectorColumn,
    VectorKind,
    build_graph,
    drop_graph,
    ensure_column,
)
from image_assets.steps.publishing.places import postgres_place, remember_place
from image_assets.steps.publishing.published_rows import PublishedDay
from image_assets.tables.gold import GOLD_IMAGES

_VACUUM = "VACUUM (ANALYZE) images, image_tags, published_days"
_BULK_SHARE: Final = 0.1
"""Of the table; putting more than that into the graph one by one takes longer than building it (docs/benchmarks.md)."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PublishParams:
    """How gold is published.

    Attributes:
        vectors: what they are kept as.
        service_url: for addresses of pictures; None for those of the lake.
    """

    vectors: VectorKind = "halfvec"
    service_url: str | None = None


@dataclass(frozen=True, slots=True)
class PublishedReport:
    """What was done to a day."""

    change: DayChange
    images: int
    vectors: int
    tags: int
    seconds: float

    @property
    def outcome(self) -> str:
        """In words."""
        if self.change.is_nothing:
            return "unchanged"
        return f"{self.change.added} added, {self.change.changed} changed, {self.change.removed} removed"


@dataclass
class Publication:
    """Several days on their way to one database.

    Attributes:
        server: the database.
        tables: the lake's tables.
        encoder: whose vectors are published.
        params: how.
    """

    server: Postgres
    tables: ParquetTables
    encoder: EncoderDescription
    params: PublishParams
    _is_changed: bool = field(default=False, init=False)

    def begin(self, days: Iterable[date]) -> None:
        """Make the schema what it should be, and drop the graph when these days bring much.

        Raises:
            ConfigurationError: the server, its schema or its user will not do.
            StoreUnavailableError: it does not answer.
        """
        with self.server.connected() as connection:
            migrate(connection)
            ensure_column(connection, self._column)
            remember_place(self.tables.store, postgres_place(self.server.place))
            if self._brings_much(connection, days):
                _log.info("many vectors come: the graph of images.embedding is built when they are in")
                drop_graph(connection)

    def publish(self, day: date) -> PublishedReport:
        """Bring a day in line: all of it, or nothing when something goes wrong."""
        started, offered = time.monotonic(), self._day(day)
        with self.server.connected() as connection:
            change = replace_day(connection, self._column, offered)
        self._is_changed = self._is_changed or not change.is_nothing
        rows = offered.rows
        return PublishedReport(
            change=change,
            images=rows.height,
            vectors=rows.get_column("encoder").count(),
            tags=int(rows.get_column("tags_of").list.len().sum()),
            seconds=time.monotonic() - started,
        )

    def finish(self) -> bool:
        """Build the graph if it is missing, which is told, and have the server look at what has changed."""
        with self.server.connected() as connection:
            is_built = build_graph(connection, self._column)
            if self._is_changed or is_built:
                connection.execute(_VACUUM)
        return is_built

    @property
    def _column(self) -> VectorColumn:
        return VectorColumn(self.params.vectors, self.encoder.dimension)

    def _day(self, day: date) -> PublishedDay:
        return PublishedDay(self.tables, day, self.encoder, self._column, self.params.service_url)

    def _brings_much(self, connection: Connection, days: Iterable[date]) -> bool:
        known = connection.execute("SELECT day, images, encoder FROM published_days").fetchall()
        there = {(day, encoder): images for day, images, encoder in known}
        coming = 0
        for day in days:
            wanted = self.tables.read_column(GOLD_IMAGES.name, day, "image_id").len()
            coming += max(0, wanted - there.get((day, self._day(day).encoder_label), 0))
        return coming > _BULK_SHARE * sum(int(images) for _, images, _ in known)


def vacuum(server: Postgres) -> None:
    """Have the server give back what was replaced and look at what there is, so that it plans queries by that."""
    with server.connected() as connection:
        migrate(connection)
        connection.execute(_VACUUM)
