"""Gold: what did not make it, the curated join, and the day in numbers."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from image_assets.orchestration.daily import Daily, daily_asset, run_days
from image_assets.orchestration.keys import IMAGE_EMBEDDINGS
from image_assets.orchestration.metadata.counts import (
    Metadata,
    describe_increment,
    describe_rejects,
    describe_rows,
    describe_summary,
)
from image_assets.orchestration.resources import LakeResource, Progress
from image_assets.steps.classification.predictions import prediction_stages
from image_assets.steps.gold.gold import GOLD_RECIPE, curate_day
from image_assets.steps.gold.rejections import gather_rejections
from image_assets.steps.gold.summary import summarise_day
from image_assets.tables.duplicates import DUPLICATE_IMAGES
from image_assets.tables.embeddings import embeddings_name
from image_assets.tables.enrichment import ENRICHMENT
from image_assets.tables.gold import DAILY_SUMMARY, GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES, THUMBNAILS, WATERMARKED_PREVIEWS
from image_assets.tables.predictions import IMAGE_PREDICTIONS
from image_assets.tables.rejections import REJECTED_IMAGES
from image_assets.tables.table import Table

_IMAGE_TABLES = (BRONZE_IMAGES, SILVER_IMAGES, THUMBNAILS, WATERMARKED_PREVIEWS)
_UPSTREAM = [*(table.name for table in _IMAGE_TABLES), IMAGE_EMBEDDINGS]


def gold_assets(daily: Daily, encoder: str, chunk_size: int) -> list[dg.AssetsDefinition]:
    """`rejected_images`, `gold_images` and `daily_summary`."""
    return [_rejected_images(daily, encoder), _gold_images(daily, encoder, chunk_size), _daily_summary(daily)]


def _rejected_images(daily: Daily, encoder: str) -> dg.AssetsDefinition:
    stages = [table.name for table in _IMAGE_TABLES] + [embeddings_name(encoder)]
    deps = [*_UPSTREAM, IMAGE_PREDICTIONS]
    spec = daily.table_spec(REJECTED_IMAGES, group="gold", kinds={"polars"}, deps=deps, code_version="2")

    @daily_asset(spec, name=REJECTED_IMAGES.name)
    def rejected_images(context: dg.AssetExecutionContext, lake: LakeResource) -> Iterator[dg.MaterializeResult[Any]]:
        def step(day: date) -> dict[str, Metadata]:
            predicting = prediction_stages(lake.tables, day)
            is_changed = gather_rejections(lake.tables, day, [*stages, *predicting])
            rows = lake.tables.read(REJECTED_IMAGES, day)
            now = rows.filter(state="open")
            aside = {name: dg.MetadataValue.int(rows.filter(state=name).height) for name in ("gone", "dismissed")}
            counts = {"rejected": dg.MetadataValue.int(now.height), **aside, **describe_rejects(now)}
            return {REJECTED_IMAGES.name: {**_described(lake, REJECTED_IMAGES, rows, day, is_changed), **counts}}

        yield from run_days(context, step)

    return rejected_images


def _gold_images(daily: Daily, encoder: str, chunk_size: int) -> dg.AssetsDefinition:
    spec = daily.table_spec(
        GOLD_IMAGES,
        group="gold",
        kinds={"polars"},
        deps=[
            *_UPSTREAM,
            DUPLICATE_IMAGES.name,
            *(table.name for table in ENRICHMENT),
            IMAGE_PREDICTIONS,
            REJECTED_IMAGES.name,
        ],
        code_version=GOLD_RECIPE.version,
    )

    @daily_asset(spec, name=GOLD_IMAGES.name)
    def gold_images(
        context: dg.AssetExecutionContext, lake: LakeResource, progress: dg.ResourceParam[Progress]
    ) -> Iterator[dg.MaterializeResult[Any]]:
        def step(day: date) -> dict[str, Metadata]:
            track = progress.track(f"{GOLD_IMAGES.name} {day}")
            report = curate_day(lake.tables, day, encoder, chunk_size=chunk_size, on_progress=track)
            return {GOLD_IMAGES.name: describe_increment(lake.tables, report, GOLD_IMAGES)}

        yield from run_days(context, step)

    return gold_images


def _daily_summary(daily: Daily) -> dg.AssetsDefinition:
    deps = [BRONZE_IMAGES.name, REJECTED_IMAGES.name, GOLD_IMAGES.name]
    spec = daily.table_spec(DAILY_SUMMARY, group="gold", kinds={"polars"}, deps=deps, code_version="2")

    @daily_asset(spec, name=DAILY_SUMMARY.name)
    def daily_summary(context: dg.AssetExecutionContext, lake: LakeResource) -> Iterator[dg.MaterializeResult[Any]]:
        def step(day: date) -> dict[str, Metadata]:
            is_changed = summarise_day(lake.tables, day)
            rows = lake.tables.read(DAILY_SUMMARY, day)
            described = _described(lake, DAILY_SUMMARY, rows, day, is_changed)
            return {DAILY_SUMMARY.name: {**described, **describe_summary(rows)}}

        yield from run_days(context, step)

    return daily_summary


def _described(lake: LakeResource, table: Table, rows: pl.DataFrame, day: date, is_changed: bool) -> Metadata:
    outcome = "changed" if is_changed else "unchanged"
    return {"outcome": dg.MetadataValue.text(outcome), **describe_rows(lake.tables, table, day, rows.height)}
