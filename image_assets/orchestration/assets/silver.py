"""Silver: one decode pass makes cleansed images, thumbnails and watermarked previews."""

from datetime import date

import dagster as dg

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.daily import AssetRun, Daily
from image_assets.orchestration.keys import Group
from image_assets.orchestration.metadata.counts import Metadata, contact_sheet, describe_increment
from image_assets.steps.images.silver import DERIVED_TABLES, derivative_recipes, derive_day
from image_assets.steps.increment.increment import IncrementReport, of_all_lots
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES, THUMBNAILS
from image_assets.tables.table import Table

_WORST, _WORST_BY = 8, ("blur", "brightness_ratio")


def silver_assets(daily: Daily) -> list[dg.AssetsDefinition]:
    """`silver_images`, `thumbnails` and `watermarked_previews`; any subset of them can be run."""
    recipes = derivative_recipes(daily.settings.derivative_params)
    specs = [
        daily.table_spec(table, group=Group.SILVER, kinds={"pillow"}, version=recipes[table.name].version)
        for table in DERIVED_TABLES
    ]
    return [daily.assets("derivatives", specs, _derivatives, needs={"workers"}, can_subset=True)]


def _derivatives(run: AssetRun, day: date) -> dict[str, Metadata]:
    wanted = [table for table in DERIVED_TABLES if run.wants(table.name)]
    params = run.settings.derivative_params
    by_lot = run.work_lots(derive_day, day, params, run.engine, wanted=wanted)
    pairs = zip(wanted, zip(*by_lot, strict=True), strict=True)
    return {table.name: _described(run.tables, table, of_all_lots(reports)) for table, reports in pairs}


def _described(tables: ParquetTables, table: Table, report: IncrementReport) -> Metadata:
    size_bytes = tables.read_column(BRONZE_IMAGES.name, report.day, "size_bytes").sum()
    return {
        # The event log keeps every picture: those of a day that is as it was are there already.
        **({} if report.is_unchanged else _sheet(tables, table.name, report.day)),
        **describe_increment(tables, report, table),
        "input_size_bytes": dg.MetadataValue.int(int(size_bytes)),
    }


def _sheet(tables: ParquetTables, asset: str, day: date) -> Metadata:
    if asset == THUMBNAILS.name:
        return contact_sheet(
            tables.store, tables.scan(THUMBNAILS, ["thumbnail_path"], [day])["thumbnail_path"].to_list()
        )
    if asset == SILVER_IMAGES.name:
        images = tables.scan(SILVER_IMAGES, ["cleansed_path", *_WORST_BY], [day])
        worst = [images.bottom_k(_WORST, by=measure) for measure in _WORST_BY]
        keys = [key for each in worst for key in each["cleansed_path"]]
        return contact_sheet(tables.store, keys, "blurriest_then_darkest")
    return {}
