"""The images among which copies are sought: those of a day and of all days before, each column read where needed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from image_assets.ids import ObjectKey
from image_assets.lake.object_keys import beside
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.search.near_duplicates import HashPool
from image_assets.steps.duplicates.content import BYTES, CLEANSED, HASH, ORIGINAL, SHOWS, sought_files
from image_assets.steps.increment.stock import Target
from image_assets.steps.vectors.stored_vectors import StoredVectors
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES
from image_assets.tables.table import Table

ARRIVAL = ["day", "uploaded_at", "image_id"]
"""What orders images: the earliest of a photo stands for it."""

_IMAGES_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class DuplicatePool:
    """Every cleansed image until a day.

    Attributes:
        tables: the lake's tables.
        vectors: those of the wanted weights.
        originals: files of originals, with the numbers by which these are sought.
        cleansed: the same of cleansed images.
        embedded: files of vectors.
        numbers: each hash once, by its place in `hashes`.
        hashes: what is searched; pictures that show next to nothing are not in it.
    """

    tables: ParquetTables
    vectors: StoredVectors
    originals: pl.DataFrame
    cleansed: pl.DataFrame
    embedded: pl.DataFrame
    numbers: pl.Series
    hashes: HashPool

    def copies_of(self, digests: pl.Series) -> pl.DataFrame:
        """Every image whose bytes have one of the digests, with its hash as a number."""
        files = _holding(self.originals, digests.to_frame("sha256").select(BYTES).to_series())
        originals = self._scan(BRONZE_IMAGES, files, ORIGINAL, pl.col("sha256").is_in(digests.implode()))
        files = _beside(files, self.cleansed, SILVER_IMAGES.name)
        cleansed = self._scan(SILVER_IMAGES, files, CLEANSED, _is_one_of(originals))
        return originals.join(cleansed.with_columns(HASH), on="image_id")

    def vectors_of(self, images: pl.DataFrame) -> pl.DataFrame:
        """`image_id` and `embedding` of those of the images, as `copies_of` has them, that have a vector."""
        return self._vectors_in(_holding(self.cleansed, images["phash"]), images)

    def images_with(self, numbers: pl.Series) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """The images that have one of the hashes, as `copies_of` has them, and their vectors; some files at a time."""
        for files in _together(_holding(self.cleansed, numbers)):
            cleansed = self._scan(SILVER_IMAGES, files, CLEANSED, SHOWS & HASH.is_in(numbers.implode()))
            its = _beside(files, self.originals, BRONZE_IMAGES.name)
            originals = self._scan(BRONZE_IMAGES, its, ORIGINAL, _is_one_of(cleansed))
            images = originals.join(cleansed.with_columns(HASH), on="image_id")
            yield images, self._vectors_in(files, images)

    def _vectors_in(self, files: pl.DataFrame, images: pl.DataFrame) -> pl.DataFrame:
        its = _beside(files, self.embedded, self.vectors.table.name)
        keys = [ObjectKey(key) for key in its["key"]]
        return self.vectors.read_files(keys, images["image_id"]).select("image_id", "embedding")

    def _scan(self, table: Table, files: pl.DataFrame, columns: Sequence[str], where: pl.Expr) -> pl.DataFrame:
        keys = [ObjectKey(key) for key in files["key"]]
        return self.tables.scan_files(keys, columns, where) if keys else table.no_rows.select(columns)


def _holding(files: pl.DataFrame, numbers: pl.Series) -> pl.DataFrame:
    """The files that have an image which is sought by one of the numbers."""
    sought = files.select(pl.row_index("file"), "sought").explode("sought")
    is_held = sought.filter(pl.col("sought").is_in(numbers.implode())).get_column("file")
    return files[is_held.unique().sort()]


def _together(files: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Files in their order, small ones together."""
    part = pl.col("sought").list.len().cum_sum() // _IMAGES_AT_ONCE
    yield from files.with_columns(part=part).partition_by("part", maintain_order=True, include_key=False)


def _beside(files: pl.DataFrame, others: pl.DataFrame, table: str) -> pl.DataFrame:
    """The files of another table of the same lots; of a day that is cut otherwise there, all of them."""
    its = files.select("day", key=pl.Series([beside(ObjectKey(key), table) for key in files["key"]], dtype=pl.String))
    elsewhere = its.join(others, on="key", how="anti").get_column("day")
    return others.filter(pl.col("key").is_in(its["key"].implode()) | pl.col("day").is_in(elsewhere.implode()))


def _is_one_of(images: pl.DataFrame) -> pl.Expr:
    return pl.col("image_id").is_in(images["image_id"].implode())


def open_duplicate_pool(tables: ParquetTables, embeddings: Target, until: date, radius_bits: int) -> DuplicatePool:
    """Of all days until one; a day that was never cleansed has no images."""
    originals, cleansed = (sought_files(tables, table.name, until) for table in (BRONZE_IMAGES, SILVER_IMAGES))
    listed = tables.listed(embeddings.table.name).items()
    vectors = [(day, info.key) for day, files in listed if day <= until for info in files]
    embedded = pl.DataFrame(vectors, schema={"day": pl.Date, "key": pl.String}, orient="row")
    numbers = cleansed.get_column("sought").explode().drop_nulls().unique().sort()
    stored = StoredVectors(tables, embeddings.table, embeddings.recipe_version)
    hashes = HashPool(numbers.to_numpy(), radius_bits)
    return DuplicatePool(tables, stored, originals, cleansed, embedded, numbers, hashes)
