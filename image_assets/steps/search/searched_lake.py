"""What a search looks at: gold and the vectors as they were at one moment, opened when they are first needed."""

from functools import cached_property
from threading import Lock
from typing import Final, Self

import numpy as np

from image_assets.errors import (
    ConfigurationError,
    DamagedIndexError,
    ImageAssetsError,
    ModelError,
    NoDayError,
    StorageError,
    TableError,
)
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.steps.search.gallery import Gallery, Places, Wanted, open_gallery
from image_assets.steps.search.map_points import MapPoints, map_points, no_points
from image_assets.steps.search.remembered import Remembered
from image_assets.steps.search.vector_pool import Mask, VectorPool, open_pool
from image_assets.steps.search.words import WordMatches, words_of
from image_assets.steps.vectors.index_manifest import IndexManifest, map_key
from image_assets.steps.vectors.index_source import IndexSource, LakeIndex
from image_assets.steps.vectors.stored_vectors import vectors_of
from image_assets.tables.embeddings import embeddings_name

_REMEMBERED: Final = 32
"""Rankings, of 2,000 images at most."""


class SearchedLake:
    """Gold and the vectors of one encoder.

    Attributes:
        gallery: gold.
        remember: what was made of it before.
        version: differs from that of another moment when anything that a search looks at has changed.
    """

    def __init__(
        self,
        tables: ParquetTables,
        encoder: EncoderDescription | ModelError,
        source: IndexSource,
        former: Self | None = None,
    ) -> None:
        self._tables, self._encoder, self._source = tables, encoder, source
        known = None if isinstance(encoder, ModelError) else encoder
        self._manifest, self._damage = _found(tables, known, source)
        # A map is drawn of the lake's own index, whichever is searched.
        self._mapped = self._manifest if isinstance(source, LakeIndex) else _found(tables, known, LakeIndex())[0]
        self._shown: dict[bool, Mask] = {}
        self._pool: VectorPool | None = None
        self._opening = Lock()
        self.remember = Remembered(_REMEMBERED)
        self.gallery: Gallery = open_gallery(tables, former.gallery if former else None)
        self._of_vectors = (self._manifest, self._mapped, vectors_of(tables, known).versions if known else None)
        self.version = (self._of_vectors, self.gallery.versions)

    @property
    def index_version(self) -> str | None:
        """Build of the index in force; None when there is none."""
        return self._manifest.build if self._manifest else None

    @property
    def map_points(self) -> MapPoints:
        """The map of the index in force."""
        manifest = self._mapped
        # It goes with an image that is erased, and then is not shown for as long as this moment is looked at.
        if manifest is None or not self._tables.store.exists(map_key(manifest)):
            return no_points()
        return self.gallery.remember(
            ("map", manifest.build), lambda: map_points(self._tables.store, manifest, self.gallery)
        )

    def prepare_like(self, former: Self | None) -> None:
        """Open what the former one had opened, so that nobody has to wait for it; vectors that are the same stay."""
        if former is None or former._pool is None:
            return
        if former._of_vectors == self._of_vectors:
            self._pool = former._pool
        for with_duplicates in former._shown:
            self.found(Wanted(with_duplicates=with_duplicates))

    @property
    def pool(self) -> VectorPool:
        """The vectors.

        Raises:
            ModelError: the encoder cannot be found: what needs no vectors goes on without it.
            TableError: there is no day.
            SearchError: the index cannot be used.
        """
        if isinstance(self._encoder, ModelError):
            raise self._encoder
        if self._damage:
            raise self._damage
        with self._opening:
            if self._pool is None:
                self._pool = open_current_pool(self._tables, self._encoder, self._manifest, self._source)
            return self._pool

    def found(self, wanted: Wanted) -> Mask:
        """For each place in the pool whether its image is in the gallery and wanted."""
        if not wanted.is_everything:
            return self.gallery.mask(wanted)[self._rows]
        if wanted.with_duplicates not in self._shown:
            self._shown[wanted.with_duplicates] = self.gallery.mask(wanted)[self._rows]
        return self._shown[wanted.with_duplicates]

    def match_words(self, text: str, found: Mask) -> WordMatches:
        """Which of the images that may be found are described with which words of a text."""
        words = words_of(text)
        return WordMatches(words, self.gallery.word_bits(words)[self._rows] * found, int(np.count_nonzero(found)))

    @cached_property
    def _rows(self) -> Places:
        """The gallery's number of each image of the pool."""
        return self.gallery.places_of(self.pool.images.get_column("image_id"))


def _found(
    tables: ParquetTables, encoder: EncoderDescription | None, source: IndexSource
) -> tuple[IndexManifest | None, ImageAssetsError | None]:
    """The index in force; what needs no index goes on where it is damaged, or somebody else's that does not answer."""
    try:
        return (source.find(tables, encoder) if encoder else None), None
    except DamagedIndexError as error:
        return None, error
    except (StorageError, ConfigurationError) as error:
        if isinstance(source, LakeIndex):
            raise
        return None, error


def open_current_pool(
    tables: ParquetTables, encoder: EncoderDescription, manifest: IndexManifest | None, source: IndexSource
) -> VectorPool:
    """The vectors with the index of this manifest, if there is one.

    Raises:
        TableError: there is no day, or only days of vectors that cannot be compared.
        SearchError: the index cannot be used.
    """
    name = embeddings_name(encoder.name)
    days = tables.days(name)
    if not days:
        raise NoDayError(f"{name} has no day yet: image-assets run", table=name)
    pool = open_pool(tables, encoder, manifest, source)
    if pool.images.is_empty() and any(tables.read_column(name, day, "image_id").len() for day in days):
        again = f"image-assets run --from {days[0]} --to {days[-1]}"
        raise TableError(f"{name} holds vectors of other weights only, which cannot be compared: {again}", table=name)
    return pool
