"""The images among which copies are sought: those of a day and of all days before, each column read where needed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
import polars as pl

from image_assets.ids import ObjectKey
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.search.near_duplicates import HashPool
from image_assets.steps.duplicates.content import CLEANSED, ORIGINAL
from image_assets.steps.increment.stock import Target
from image_assets.steps.vectors.stored_vectors import StoredVectors
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES

ARRIVAL = ["day", "uploaded_at", "image_id"]
"""What orders images: the earliest of a photo stands for it."""

_PAIRS_AT_ONCE = 1 << 14
_VERSIONS_KEPT = 1 << 15


@dataclass(frozen=True, slots=True)
class DuplicatePool:
    """Every cleansed image until a day.

    Attributes:
        tables: the lake's tables.
        vectors: those of the wanted weights.
        files: of cleansed images, in the order of their days.
        days: the day of each file.
        firsts: place of each file's first hash among all hashes.
        rows: of each hash, its row in its file.
        hashes: what is searched; pictures that show next to nothing are not in it.
    """

    tables: ParquetTables
    vectors: StoredVectors
    files: Sequence[ObjectKey]
    days: Sequence[date]
    firsts: Sequence[int]
    rows: Sequence[pl.Series]
    hashes: HashPool

    def copies_of(self, digests: pl.Series) -> pl.DataFrame:
        """Every image whose bytes have one of the digests, with its hash as a number."""
        return self._images(list(dict.fromkeys(self.days)), pl.col("sha256").is_in(digests.implode()))

    def images_at(self, places: pl.Series) -> pl.DataFrame:
        """The images behind hashes, with `place`; each place once."""
        found = pl.DataFrame({"place": places.cast(pl.Int64).unique().sort()})
        starts = np.asarray(self.firsts)
        found = found.with_columns(which=np.searchsorted(starts, found["place"].to_numpy(), side="right") - 1)
        return pl.concat([self._empty_places(), *self._located(found)])

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

    def _located(self, found: pl.DataFrame) -> Iterator[pl.DataFrame]:
        for places in found.partition_by("which", maintain_order=True):
            number = int(places["which"][0])
            rows = self.rows[number].gather(places["place"] - self.firsts[number])
            ids = self.tables.scan_files([self.files[number]], ["image_id"]).get_column("image_id").gather(rows)
            images = self._images([self.days[number]], pl.col("image_id").is_in(ids.implode()))
            yield places.select("place", image_id=ids).join(images, on="image_id")

    def _images(self, days: Sequence[date], where: pl.Expr) -> pl.DataFrame:
        known = [day for day in days if self.tables.exists(BRONZE_IMAGES, day)]
        originals = self.tables.scan(BRONZE_IMAGES, ORIGINAL, known, where)
        is_there = pl.col("image_id").is_in(originals["image_id"].implode())
        cleansed = self.tables.scan(SILVER_IMAGES, CLEANSED, originals["day"].unique().sort(), is_there)
        return originals.join(cleansed.with_columns(_AS_NUMBER), on="image_id")

    def _empty_places(self) -> pl.DataFrame:
        return self._images([], pl.lit(value=True)).select(pl.lit(0, dtype=pl.Int64).alias("place"), pl.all()).clear()


_AS_NUMBER = pl.col("phash").str.to_integer(base=16, dtype=pl.UInt64)


def open_duplicate_pool(tables: ParquetTables, embeddings: Target, until: date, radius_bits: int) -> DuplicatePool:
    """Read the hashes of all days until one; a day that was never cleansed has no images."""
    listed = tables.listed(SILVER_IMAGES.name).items()
    found = [(day, file) for day, files in listed if day <= until for file in files]
    days, files = [day for day, _ in found], [file.key for _, file in found]
    shown = [_hashes(tables, file.key, file.version) for _, file in found]
    hashes = np.concatenate([np.empty(0, np.uint64), *(each["phash"].to_numpy() for each in shown)])
    firsts = np.cumsum([0, *(each.height for each in shown)])[:-1].tolist()
    vectors = StoredVectors(tables, embeddings.table, embeddings.recipe_version)
    return DuplicatePool(
        tables, vectors, files, days, firsts, [each["row"] for each in shown], HashPool(hashes, radius_bits)
    )


@lru_cache(maxsize=_VERSIONS_KEPT)
def _hashes(tables: ParquetTables, key: ObjectKey, _version: str) -> pl.DataFrame:
    """Row and hash of each picture of a file that shows something; a backfill asks for them on each later day."""
    images = tables.scan_files([key], ["phash", "is_near_uniform"]).with_row_index("row")
    return images.filter(~pl.col("is_near_uniform")).select("row", _AS_NUMBER)
