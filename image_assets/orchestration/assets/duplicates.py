"""Duplicates: which images show the same photo as an earlier one, of this day or of any day before."""

from datetime import date

import dagster as dg
import polars as pl

from image_assets.ids import ImageId
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.daily import AssetRun, Daily
from image_assets.orchestration.keys import Group
from image_assets.orchestration.metadata.counts import Metadata, contact_sheet, describe_increment
from image_assets.steps.duplicates.duplicates import DayComparison, duplicate_recipe, find_duplicates
from image_assets.tables.duplicates import DUPLICATE_IMAGES, DUPLICATE_KINDS

_SHOWN_PAIRS = 12


def duplicate_assets(daily: Daily, encoder: str) -> list[dg.AssetsDefinition]:
    """`duplicate_images`; it only reads vectors, and so needs the encoder's description but not the encoder."""
    version = f"{duplicate_recipe(daily.settings.duplicate_params).version} {encoder}"
    spec = daily.table_spec(DUPLICATE_IMAGES, group=Group.ENRICHMENT, kinds={"polars"}, version=version)
    return [daily.asset(spec, _duplicate_images, needs={"gpu"})]


def _duplicate_images(run: AssetRun, day: date) -> Metadata:
    comparison = DayComparison(run.tables, day, run.gpu.description, run.settings.duplicate_params)
    report = run.work(find_duplicates, day, comparison)
    counts = describe_increment(run.tables, report, DUPLICATE_IMAGES)
    return {**counts, **_describe_duplicates(run.tables, day, with_pictures=not report.is_unchanged)}


def _describe_duplicates(tables: ParquetTables, day: date, *, with_pictures: bool) -> Metadata:
    """Counts by kind, label conflicts, and each duplicate beside the image that it repeats."""
    rows = tables.scan(DUPLICATE_IMAGES, ["image_id", "canonical_id", "kind", "label_conflict"], [day])
    counts = {kind: dg.MetadataValue.int(rows.filter(kind=kind).height) for kind in DUPLICATE_KINDS}
    repeated = rows.filter(pl.col("image_id") != pl.col("canonical_id")).sort("label_conflict", descending=True)
    pairs = repeated.head(_SHOWN_PAIRS).select("canonical_id", "image_id").rows()
    thumbnails = [object_keys.thumbnail_key(ImageId(image_id)) for pair in pairs for image_id in pair]
    conflicts = dg.MetadataValue.int(int(rows["label_conflict"].sum()))
    # The event log keeps every picture: those of a day that is as it was are there already.
    sheet = contact_sheet(tables.store, thumbnails) if with_pictures else {}
    return {**counts, "label_conflicts": conflicts, **sheet}
