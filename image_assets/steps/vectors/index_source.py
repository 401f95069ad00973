"""Where the index comes from that a search looks through: the lake's own, or one that somebody else keeps."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from image_assets.errors import DamagedIndexError, ObjectChangedError
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.search.usearch_index import UsearchParams
from image_assets.steps.vectors.index_manifest import IndexManifest, read_manifest
from image_assets.steps.vectors.index_store import StoredIndex, open_shards


class IndexSource(Protocol):
    """An index that may be behind the lake; what it lacks is searched beside it."""

    def find(self, tables: ParquetTables, encoder: EncoderDescription) -> IndexManifest | None:
        """What the index of the encoder holds; None when there is none.

        Raises:
            DamagedIndexError: it cannot be used.
            StoreUnavailableError: who keeps it does not answer.
        """
        ...

    def open(self, tables: ParquetTables, manifest: IndexManifest, /) -> Sequence[StoredIndex]:
        """What the index that was found consists of; raises as `find` does."""
        ...


@dataclass(frozen=True, slots=True)
class LakeIndex:
    """The index that `vector_index` keeps in the lake."""

    params: UsearchParams = field(default_factory=UsearchParams)

    def find(self, tables: ParquetTables, encoder: EncoderDescription) -> IndexManifest | None:
        """See `IndexSource`."""
        return read_manifest(tables.store, encoder.name)

    def open(self, tables: ParquetTables, manifest: IndexManifest, /) -> Sequence[StoredIndex]:
        """See `IndexSource`.

        Raises:
            ObjectChangedError: the index is another one by now, and what the manifest names has gone.
        """
        try:
            return open_shards(tables, manifest, self.params)
        except DamagedIndexError as error:
            if read_manifest(tables.store, manifest.encoder) != manifest:
                raise ObjectChangedError(f"the index has changed meanwhile, ask again: {error}") from error
            raise
