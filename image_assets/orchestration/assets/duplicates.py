"""Duplicates: which images show the same photo as an earlier one, of this day or of any day before."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from image_assets.ids import ImageId
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.daily import Daily, daily_asset, run_days
from image_assets.orchestration.keys import IMAGE_EMBEDDINGS
from image_assets.orchestration.metadata.counts import Metadata, contact_sheet, describe_increment
from image_assets.orchestration.resources import GpuResource, LakeResource, Progress
from image_assets.steps.duplicates.duplicates import duplicate_recipe, find_duplicates
from image_assets.steps.duplicates.links import DuplicateParams
from image_assets.tables.duplicates import DUPLICATE_IMAGES, DUPLICATE_KINDS
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES

_SHOWN_PAIRS = 12


def duplicate_assets(daily: Daily, encoder: str, params: DuplicateParams, chunk_size: int) -> list[dg.AssetsDefinition]:
    """`duplicate_images`; it only reads vectors, and so needs the encoder's description but not the encoder."""
    name = DUPLICATE_IMAGES.name
    spec = daily.table_spec(
        DUPLICATE_IMAGES,
        group="enrichment",
        kinds={"polars"},
        # Day to day only, though earlier days are read as well: told of them, a backfill takes in all later days,
        # and a day's chain falls into several runs. The sensor `later_days` follows what changes on earlier days.
        deps=[BRONZE_IMAGES.name, SILVER_IMAGES.name, IMAGE_EMBEDDINGS],
        code_version=f"{duplicate_recipe(params).version} {encoder}",
    )

    @daily_asset(spec, name=name)
    def duplicate_images(
        context: dg.AssetExecutionContext, lake: LakeResource, gpu: GpuResource, progress: dg.ResourceParam[Progress]
    ) -> Iterator[dg.MaterializeResult[Any]]:
        def step(day: date) -> dict[str, Metadata]:
            track, described = progress.track(f"{name} {day}"), gpu.encoder.description
            report = find_duplicates(lake.tables, day, described, params, chunk_size=chunk_size, on_progress=track)
            counts = describe_increment(lake.tables, report, DUPLICATE_IMAGES)
            return {name: {**counts, **_describe_duplicates(lake.tables, day, with_pictures=not report.is_unchanged)}}

        yield from run_days(context, step)

    return [duplicate_images]


def _describe_duplicates(tables: ParquetTables, day: date, *, with_pictures: bool) -> Metadata:
    """Counts by kind, label conflicts, and each duplicate beside the image that it repeats."""
    rows = tables.read(DUPLICATE_IMAGES, day)
    counts = {kind: dg.MetadataValue.int(rows.filter(kind=kind).height) for kind in DUPLICATE_KINDS}
    repeated = rows.filter(pl.col("image_id") != pl.col("canonical_id")).sort("label_conflict", descending=True)
    pairs = repeated.head(_SHOWN_PAIRS).select("canonical_id", "image_id").rows()
    thumbnails = [object_keys.thumbnail_key(ImageId(image_id)) for pair in pairs for image_id in pair]
    conflicts = dg.MetadataValue.int(int(rows["label_conflict"].sum()))
    # The event log keeps every picture: those of a day that is as it was are there already.
    sheet = contact_sheet(tables.store, thumbnails) if with_pictures else {}
    return {**counts, "label_conflicts": conflicts, **sheet}
