"""Which images are new to an encoder: a score on photos that it was trained on says nothing of others."""

import polars as pl

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.steps.classification.splits import group_images
from image_assets.steps.classification.training_set import duplicate_links
from image_assets.tables.images import BRONZE_IMAGES


def mark_unseen(tables: ParquetTables, rows: pl.DataFrame, encoder: EncoderDescription) -> pl.Series:
    """Whether the encoder has learned neither from an image nor from a near-copy of it; a row for a row.

    Another photo by the same user is no near-copy.
    """
    learned = _learned(tables, encoder) if encoder.learned_from else set[str]()
    return pl.Series("is_unseen", [name not in learned for name in rows["image_id"]], dtype=pl.Boolean)


def _learned(tables: ParquetTables, encoder: EncoderDescription) -> set[str]:
    is_learned = pl.col("sha256").is_in(list(encoder.learned_from))
    learned = set(tables.scan(BRONZE_IMAGES, ["image_id", "sha256"], where=is_learned)["image_id"])
    families = group_images(duplicate_links(tables)) if learned else {}
    known = {families[name] for name in learned if name in families}
    return learned | {name for name, family in families.items() if family in known}
