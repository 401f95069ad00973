"""The images among which copies are sought: those of a day and of all days before, each column read where needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from image_assets.ids import ObjectKey
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.search.near_duplicates import HashPool
from image_assets.steps.duplicates.content import BYTES, CLEANSED, HASH, ORIGINAL, SHOWS, sought_files
from image_assets.steps.increment.stock import Target
from image_assets.steps.vectors.stored_vectors import StoredVectors
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES
from image_assets.tables.table import Table

ARRIVAL = ["day", "uploaded_at", "image_id"]
"""What orders images: the earliest of a photo stands for it."""

_PAIRS_AT_ONCE = 1 << 14


@dataclass(frozen=True, slots=True)
class DuplicatePool:
    """Every cleansed image until a day.

    Attributes:
        tables: the lake's tables.
        vectors: those of the wanted weights.
        originals: files of originals, with the numbers by which these are sought.
        cleansed: the same of cleansed images.
        numbers: each hash once, by its place in `hashes`.
        hashes: what is searched; pictures that show next to nothing are not in it.
    """

    tables: ParquetTables
    vectors: StoredVectors
    originals: pl.DataFrame
    cleansed: pl.DataFrame
    numbers: pl.Series
    hashes: HashPool

    def copies_of(self, digests: pl.Series) -> pl.DataFrame:
        """Every image whose bytes have one of the digests, with its hash as a number."""
        files = _holding(self.originals, digests.to_frame("sha256").select(BYTES).to_series())
        originals = self._scan(BRONZE_IMAGES, files, ORIGINAL, pl.col("sha256").is_in(digests.implode()))
        files = _of_days(self.cleansed, originals["day"])
        cleansed = self._scan(SILVER_IMAGES, files, CLEANSED, _is_one_of(originals))
        return originals.join(cleansed.with_columns(HASH), on="image_id")

    def images_at(self, places: pl.Series) -> pl.DataFrame:
        """The images that have the hashes at these places, with `place`."""
        near = pl.DataFrame({"place": places.cast(pl.Int64).unique()})
        near = near.with_columns(phash=self.numbers.gather(near["place"]))
        files = _holding(self.cleansed, near["phash"])
        cleansed = self._scan(SILVER_IMAGES, files, CLEANSED, SHOWS & HASH.is_in(near["phash"].implode()))
        files = _of_days(self.originals, files["day"])
        originals = self._scan(BRONZE_IMAGES, files, ORIGINAL, _is_one_of(cleansed))
        return originals.join(cleansed.with_columns(HASH), on="image_id").join(near, on="phash")

    def similarities(self, pairs: pl.DataFrame) -> pl.Series:
        """Cosine of the vectors of `image_id` of `day` and `other_id` of `other_day`; null where one is missing."""
        similarity = np.full(pairs.height, np.nan, dtype=np.float32)
        mine = self.vectors.read_whole(pairs.select("image_id", "day").unique())
        rows = mine.select("image_id").with_row_index("row")
        numbered = pairs.select("image_id", "other_id").with_row_index("pair").join(rows, on="image_id")
        for theirs in self.vectors.read(pairs.select(image_id="other_id", day="other_day").unique()):
            others = theirs.select(other_id="image_id").with_row_index("other_row")
            for some in numbered.join(others, on="other_id").iter_slices(_PAIRS_AT_ONCE):
                one = mine["embedding"].gather(some["row"]).to_numpy()
                other = theirs["embedding"].gather(some["other_row"]).to_numpy()
                similarity[some["pair"].to_numpy()] = np.einsum("ij,ij->i", one, other)
        return pl.Series(similarity).fill_nan(None)

    def _scan(self, table: Table, files: pl.DataFrame, columns: Sequence[str], where: pl.Expr) -> pl.DataFrame:
        keys = [ObjectKey(key) for key in files["key"]]
        return self.tables.scan_files(keys, columns, where) if keys else table.no_rows.select(columns)


def _holding(files: pl.DataFrame, numbers: pl.Series) -> pl.DataFrame:
    """The files that have an image which is sought by one of the numbers."""
    sought = files.select(pl.row_index("file"), "sought").explode("sought")
    is_held = sought.filter(pl.col("sought").is_in(numbers.implode())).get_column("file")
    return files[is_held.unique().sort()]


def _of_days(files: pl.DataFrame, days: pl.Series) -> pl.DataFrame:
    return files.filter(pl.col("day").is_in(days.unique().implode()))


def _is_one_of(images: pl.DataFrame) -> pl.Expr:
    return pl.col("image_id").is_in(images["image_id"].implode())


def open_duplicate_pool(tables: ParquetTables, embeddings: Target, until: date, radius_bits: int) -> DuplicatePool:
    """Of all days until one; a day that was never cleansed has no images."""
    originals, cleansed = (sought_files(tables, table.name, until) for table in (BRONZE_IMAGES, SILVER_IMAGES))
    numbers = cleansed.get_column("sought").explode().drop_nulls().unique().sort()
    vectors = StoredVectors(tables, embeddings.table, embeddings.recipe_version)
    return DuplicatePool(tables, vectors, originals, cleansed, numbers, HashPool(numbers.to_numpy(), radius_bits))
