"""Images of one photo, side by side: the first of each and everything that repeats it."""

from datetime import date

import polars as pl

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.tables.duplicates import DUPLICATE_IMAGES
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.plain_labels import plain_label

_TOLD = ["image_id", "canonical_id", "day", "kind", "distance_bits", "similarity", "likeness", "turn"]
_OF_ORIGINALS = ["image_id", "label", "raw_name", "uploaded_at"]


def find_clusters(
    tables: ParquetTables, first: date = date.min, last: date = date.max, *, only_conflicts: bool = False
) -> pl.DataFrame:
    """The rows of every photo that came more than once, as all days together say it.

    Args:
        tables: the lake's tables.
        first: photos that were repeated on this day or later.
        last: photos that were repeated on this day or earlier.
        only_conflicts: photos that came under two labels.
    """
    is_repeated = (pl.col("image_id") != pl.col("canonical_id")) & pl.col("day").is_between(first, last)
    photos = tables.scan(DUPLICATE_IMAGES, ["canonical_id"], where=is_repeated)["canonical_id"]
    rows = tables.scan(DUPLICATE_IMAGES, _TOLD, where=pl.col("canonical_id").is_in(photos.implode()))
    is_told = pl.col("image_id").is_in(rows["image_id"].implode())
    originals = tables.scan(BRONZE_IMAGES, _OF_ORIGINALS, rows["day"].unique().sort(), is_told)
    rows = rows.join(originals, on="image_id").with_columns(plain_label("label"))
    if only_conflicts:
        rows = rows.filter(pl.col("label").drop_nulls().n_unique().over("canonical_id") > 1)
    is_first = pl.col("image_id") == pl.col("canonical_id")
    return rows.sort("canonical_id", ~is_first, "day", "uploaded_at", "image_id")
