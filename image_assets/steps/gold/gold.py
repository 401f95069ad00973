"""Gold: the curated join of a day, one row per image that is fit for use."""

from datetime import date
from functools import partial
from typing import Unpack

import polars as pl

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.classification.label_decisions import read_decisions
from image_assets.steps.classification.models_in_use import current_model
from image_assets.steps.gold.rejections import read_rejected
from image_assets.steps.increment.frame import settle_frame
from image_assets.steps.increment.increment import IncrementReport
from image_assets.steps.increment.pace import Pace, untold
from image_assets.steps.increment.recipe import Recipe, with_versions
from image_assets.steps.increment.stock import Target
from image_assets.steps.vectors.embeddings import current_encoder
from image_assets.tables.columns import GIVEN
from image_assets.tables.duplicates import DUPLICATE_IMAGES
from image_assets.tables.embeddings import embeddings_name
from image_assets.tables.enrichment import IMAGE_CAPTIONS, IMAGE_MODERATION, IMAGE_TAGS, IMAGE_TEXT
from image_assets.tables.gold import GOLD_IMAGES, LABEL_SOURCES, STATES
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES, THUMBNAILS, WATERMARKED_PREVIEWS
from image_assets.tables.plain_labels import plain_label
from image_assets.tables.predictions import ALL_PREDICTIONS, predictions_table

GOLD_RECIPE = Recipe({"code": 1})


def curate_day(tables: ParquetTables, day: date, encoder: str, **pace: Unpack[Pace]) -> IncrementReport:
    """Bring `gold_images` of a day in line with everything upstream."""
    inputs, on_progress = partial(gold_inputs, tables, day, encoder), pace.get("on_progress", untold)
    return settle_frame(tables, Target(GOLD_IMAGES, GOLD_RECIPE), day, inputs, on_progress=on_progress)


def gold_inputs(tables: ParquetTables, day: date, encoder: str) -> pl.DataFrame:
    """One row per cleansed image with the columns of gold; left joins, because a later stage may lack it."""
    silver = tables.read(SILVER_IMAGES, day).drop("cleansed_name", "size_bytes", "sha256", *GIVEN)
    joined = silver.join(_originals(tables, day), on="image_id", maintain_order="left")
    for table, column in _LATER:
        found = tables.read_or_empty(table, day).select("image_id", column)
        joined = joined.join(found, on="image_id", how="left", maintain_order="left")
    embedded = _embedded(tables, day, current_encoder(tables, day, encoder))
    refused = read_rejected(tables, day).select("image_id", is_refused=True)
    joined = joined.join(embedded, on="image_id", how="left", maintain_order="left")
    joined = joined.join(refused, on="image_id", how="left", maintain_order="left")
    joined = joined.join(_predicted(tables, day), on="image_id", how="left", maintain_order="left")
    joined = joined.join(_decided(tables, day), on="image_id", how="left", maintain_order="left")
    joined = joined.with_columns(**_LABELS, state=_STATE).drop("decided_label", "is_conflict")
    joined = joined.with_columns(pl.when(~_IS_BLOCKED).then(_SHOWN).name.keep())
    return with_versions(joined, joined.columns)


_LATER = (
    (THUMBNAILS, pl.col("thumbnail_path")),
    (WATERMARKED_PREVIEWS, pl.col("preview_path")),
    (DUPLICATE_IMAGES, pl.col("canonical_id")),
    (DUPLICATE_IMAGES, (pl.col("canonical_id") != pl.col("image_id")).alias("is_duplicate")),
    (IMAGE_TAGS, pl.col("tags").list.eval(pl.element().struct.field("tag")).list.unique(maintain_order=True)),
    (IMAGE_CAPTIONS, pl.col("caption")),
    (IMAGE_TEXT, pl.col("text")),
    (IMAGE_MODERATION, pl.col("verdict").alias("policy")),
)
_LABELS = {
    "label": pl.coalesce("decided_label", "label"),
    "label_source": pl.when(pl.col("decided_label").is_not_null())
    .then(pl.lit("human"))
    .when(pl.col("label").is_not_null())
    .then(pl.lit("supplied"))
    .cast(pl.Enum(LABEL_SOURCES)),
    "needs_review": (pl.col("needs_review") & pl.col("decided_label").is_null())
    | pl.col("is_conflict").fill_null(False),
}
_SHOWN = pl.col("cleansed_path", "thumbnail_path", "preview_path")
_IS_BLOCKED = (pl.col("policy") == "blocked").fill_null(value=False)
_STATE = (
    pl.when(pl.col("is_refused").fill_null(value=False))
    .then(pl.lit("error"))
    .when(_IS_BLOCKED)
    .then(pl.lit("blocked"))
    .when(pl.all_horizontal(pl.col("thumbnail_path", "preview_path", "encoder").is_not_null()))
    .then(pl.lit("embedded"))
    .otherwise(pl.lit("processing"))
    .cast(pl.Enum(STATES))
)


def _embedded(tables: ParquetTables, day: date, encoder: str) -> pl.DataFrame:
    """Ids only: the vectors themselves may be gigabytes."""
    ids = tables.read_column(embeddings_name(encoder), day, "image_id")
    return ids.to_frame().with_columns(encoder=pl.lit(encoder))


def _predicted(tables: ParquetTables, day: date) -> pl.DataFrame:
    """What the day's current model says; other versions keep their rows."""
    version = current_model(tables, day)
    rows = tables.read_or_empty(predictions_table(version) if version else ALL_PREDICTIONS, day)
    columns = "image_id", "confidence_ratio", "top_labels", "model_version", "needs_review"
    return rows.select(*columns, predicted_label="label")


def _decided(tables: ParquetTables, day: date) -> pl.DataFrame:
    return read_decisions(tables.store, day).select("image_id", "is_conflict", decided_label="label")


def _originals(tables: ParquetTables, day: date) -> pl.DataFrame:
    return tables.read(BRONZE_IMAGES, day).select(
        "image_id",
        "source_uri",
        "user_id",
        "uploaded_at",
        "raw_name",
        plain_label("label"),
        "format",
        "sha256",
        original_width_px="width_px",
        original_height_px="height_px",
        original_size_bytes="size_bytes",
    )
