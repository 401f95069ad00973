"""What a search looks at: gold and the vectors as they were at one moment, opened when they are first needed."""

from collections.abc import Sequence
from functools import cached_property

import polars as pl

from image_assets.errors import TableError
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.search.usearch_index import UsearchParams
from image_assets.steps.search.conditions import Condition
from image_assets.steps.search.gold_rows import GoldRows, open_gold
from image_assets.steps.search.vector_pool import VectorPool, open_pool
from image_assets.steps.search.words import WORD_COLUMNS
from image_assets.steps.vectors.index_store import read_manifest
from image_assets.steps.vectors.stored_vectors import vectors_of
from image_assets.tables.embeddings import embeddings_name
from image_assets.tables.gold import GOLD_IMAGES


class SearchedLake:
    """Gold and the vectors of one encoder."""

    def __init__(self, tables: ParquetTables, encoder: EncoderDescription, params: UsearchParams) -> None:
        self._tables, self._encoder, self._params = tables, encoder, params
        self._manifest = read_manifest(tables.store, encoder.name)
        self._hidden: dict[bool, pl.Series] = {}
        gold = tables.store.list(f"{object_keys.TABLES}/{GOLD_IMAGES.name}")
        self.version = (self._manifest, vectors_of(tables, encoder).versions, [info.version for info in gold])
        """Differs from that of another moment when anything that a search looks at has changed."""

    @cached_property
    def gold(self) -> GoldRows:
        """The rows of gold; `TableError` when there is no day."""
        return open_gold(self._tables)

    @cached_property
    def pool(self) -> VectorPool:
        """The vectors; `TableError` when there is no day, `SearchError` when the index cannot be used."""
        name = embeddings_name(self._encoder.name)
        days = self._tables.days(name)
        if not days:
            raise TableError(f"{name} has no day yet: image-assets run", table=name)
        pool = open_pool(self._tables, self._encoder, self._manifest, self._params)
        if pool.images.is_empty() and any(self._tables.read_column(name, day, "image_id").len() for day in days):
            again = f"image-assets run --from {days[0]} --to {days[-1]}"
            raise TableError(
                f"{name} holds vectors of other weights only, which cannot be compared: {again}", table=name
            )
        return pool

    def hidden(self, *, with_duplicates: bool) -> pl.Series:
        """Ids that have a vector but are not shown: copies, unless wanted, and what gold does not have."""
        if with_duplicates not in self._hidden:
            shown = self.gold.find((), with_duplicates=with_duplicates)
            hidden = self.pool.images.join(shown, on="image_id", how="anti")
            self._hidden[with_duplicates] = hidden.get_column("image_id")
        return self._hidden[with_duplicates]

    def words(self, conditions: Sequence[Condition], among: pl.Series | None, without: pl.Series) -> pl.DataFrame:
        """`image_id` and the columns of words of what may be found."""
        rows = self.gold.select(["image_id", *WORD_COLUMNS], conditions)
        rows = rows if among is None else rows.filter(pl.col("image_id").is_in(among.implode()))
        return rows.filter(~pl.col("image_id").is_in(without.implode()))
