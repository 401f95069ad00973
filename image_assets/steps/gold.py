"""Gold: the curated join of a day, one row per image that is fit for use."""

from collections.abc import Generator, Iterator
from datetime import date

import polars as pl

from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.increment import Computed, IncrementReport, Item, Outcome, Progress, run_increment
from image_assets.steps.recipe import Recipe, version_of
from image_assets.steps.standing import Target
from image_assets.tables.embeddings import embeddings_name
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES, THUMBNAILS, WATERMARKED_PREVIEWS
from image_assets.tables.rejections import REJECTED_IMAGES

GOLD_RECIPE = Recipe({"code": 1})
_LINEAGE = ["input_version", "recipe_version", "processed_at"]


def curate_day(
    tables: ParquetTables,
    day: date,
    encoder: str,
    *,
    chunk_size: int,
    on_progress: Progress = lambda _done, _total: None,
) -> IncrementReport:
    """Bring `gold_images` of a day in line with everything upstream."""
    target = Target(GOLD_IMAGES, GOLD_RECIPE)
    inputs = _inputs(tables, day, encoder)
    return run_increment(tables, [target], day, inputs, _curated, chunk_size=chunk_size, on_progress=on_progress)[0]


def _curated(items: Iterator[Item]) -> Generator[Outcome]:
    names = [name for name in GOLD_IMAGES.schema.column_names() if name not in {"day", *_LINEAGE}]
    for item in items:
        yield Computed(item, {GOLD_IMAGES.name: {name: item.row[name] for name in names}})


def _inputs(tables: ParquetTables, day: date, encoder: str) -> pl.DataFrame:
    """One row per cleansed image with the columns of gold; left joins, because a later stage may lack it."""
    silver = tables.read(SILVER_IMAGES, day).drop("day", "cleansed_name", "size_bytes", "sha256", *_LINEAGE)
    joined = silver.join(_originals(tables, day), on="image_id", maintain_order="left")
    for table, column in ((THUMBNAILS, "thumbnail_path"), (WATERMARKED_PREVIEWS, "preview_path")):
        paths = tables.read_or_empty(table, day).select("image_id", column)
        joined = joined.join(paths, on="image_id", how="left", maintain_order="left")
    embedded = _embedded(tables, day, encoder)
    refused = tables.read_or_empty(REJECTED_IMAGES, day).select("image_id", is_refused=True)
    joined = joined.join(embedded, on="image_id", how="left", maintain_order="left")
    joined = joined.join(refused, on="image_id", how="left", maintain_order="left")
    return _versioned(joined.with_columns(state=_STATE))


_STATE = (
    pl.when(pl.col("is_refused").fill_null(value=False))
    .then(pl.lit("error"))
    .when(pl.all_horizontal(pl.col("thumbnail_path", "preview_path", "encoder").is_not_null()))
    .then(pl.lit("embedded"))
    .otherwise(pl.lit("processing"))
)


def _embedded(tables: ParquetTables, day: date, encoder: str) -> pl.DataFrame:
    """Ids only: the vectors themselves may be gigabytes."""
    key = object_keys.table_key(embeddings_name(encoder), day)
    if not tables.store.exists(key):
        return pl.DataFrame(schema={"image_id": pl.String, "encoder": pl.String})
    return tables.scan_files([key], ["image_id"]).select("image_id", encoder=pl.lit(encoder))


def _originals(tables: ParquetTables, day: date) -> pl.DataFrame:
    return tables.read(BRONZE_IMAGES, day).select(
        "image_id",
        "source_uri",
        "user_id",
        "uploaded_at",
        "raw_name",
        "label",
        "format",
        "sha256",
        original_width_px="width_px",
        original_height_px="height_px",
        original_size_bytes="size_bytes",
    )


def _versioned(rows: pl.DataFrame) -> pl.DataFrame:
    versions = [version_of(*row) for row in rows.iter_rows()]
    return rows.with_columns(input_version=pl.Series(versions, dtype=pl.String))
