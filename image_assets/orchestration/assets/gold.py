"""Gold: what did not make it, the curated join, and the day in numbers."""

from datetime import date
from functools import partial

import dagster as dg
import polars as pl

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.daily import AssetRun, Daily
from image_assets.orchestration.keys import Group
from image_assets.orchestration.metadata.counts import (
    Metadata,
    describe_increment,
    describe_rejects,
    describe_rows,
    describe_summary,
)
from image_assets.steps.gold.gold import GOLD_RECIPE, curate_day
from image_assets.steps.gold.rejections import gather_rejections, stopping_stages
from image_assets.steps.gold.summary import summarise_day
from image_assets.tables.gold import DAILY_SUMMARY, GOLD_IMAGES
from image_assets.tables.rejections import REJECTED_IMAGES
from image_assets.tables.table import Table


def gold_assets(daily: Daily, encoder: str) -> list[dg.AssetsDefinition]:
    """`rejected_images`, `gold_images` and `daily_summary`."""
    return [
        daily.asset(_spec(daily, REJECTED_IMAGES, "2"), partial(_rejected_images, encoder)),
        daily.asset(_spec(daily, GOLD_IMAGES, GOLD_RECIPE.version), partial(_gold_images, encoder)),
        daily.asset(_spec(daily, DAILY_SUMMARY, "2"), _daily_summary),
    ]


def _spec(daily: Daily, table: Table, version: str) -> dg.AssetSpec:
    return daily.table_spec(table, group=Group.GOLD, kinds={"polars"}, version=version)


def _rejected_images(encoder: str, run: AssetRun, day: date) -> Metadata:
    is_changed = gather_rejections(run.tables, day, stopping_stages(run.tables, day, encoder))
    rows = run.tables.read(REJECTED_IMAGES, day)
    now = rows.filter(state="open")
    aside = {name: dg.MetadataValue.int(rows.filter(state=name).height) for name in ("gone", "dismissed")}
    counts = {"rejected": dg.MetadataValue.int(now.height), **aside, **describe_rejects(now)}
    return {**_described(run.tables, REJECTED_IMAGES, rows, day, is_changed), **counts}


def _gold_images(encoder: str, run: AssetRun, day: date) -> Metadata:
    report = run.work(curate_day, day, encoder)
    return describe_increment(run.tables, report, GOLD_IMAGES)


def _daily_summary(run: AssetRun, day: date) -> Metadata:
    is_changed = summarise_day(run.tables, day)
    rows = run.tables.read(DAILY_SUMMARY, day)
    return {**_described(run.tables, DAILY_SUMMARY, rows, day, is_changed), **describe_summary(rows)}


def _described(tables: ParquetTables, table: Table, rows: pl.DataFrame, day: date, is_changed: bool) -> Metadata:
    outcome = "changed" if is_changed else "unchanged"
    return {"outcome": dg.MetadataValue.text(outcome), **describe_rows(tables, table, day, rows.height)}
