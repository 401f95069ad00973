"""Silver: one decode pass makes cleansed images, thumbnails and watermarked previews."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg

from image_assets.imaging.derivatives import DerivativeParams
from image_assets.orchestration.daily import Daily, daily_asset, run_days
from image_assets.orchestration.metadata.counts import Metadata, contact_sheet, describe_increment
from image_assets.orchestration.resources import LakeResource, Progress, WorkersResource
from image_assets.steps.images.silver import DERIVED_TABLES, derivative_recipes, derive_day
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES, THUMBNAILS

_WORST = 8


def silver_assets(daily: Daily, params: DerivativeParams, chunk_size: int) -> list[dg.AssetsDefinition]:
    """`silver_images`, `thumbnails` and `watermarked_previews`; any subset of them can be run."""
    recipes = derivative_recipes(params)
    specs = [
        daily.table_spec(
            table,
            group="silver",
            kinds={"pillow"},
            deps=[BRONZE_IMAGES.name],
            code_version=recipes[table.name].version,
        )
        for table in DERIVED_TABLES
    ]

    @daily_asset(*specs, name="derivatives", can_subset=True)
    def derivatives(
        context: dg.AssetExecutionContext,
        lake: LakeResource,
        workers: WorkersResource,
        progress: dg.ResourceParam[Progress],
    ) -> Iterator[dg.MaterializeResult[Any]]:
        wanted = [table for table in DERIVED_TABLES if dg.AssetKey(table.name) in context.selected_asset_keys]

        def step(day: date) -> dict[str, Metadata]:
            reports = derive_day(
                lake.tables,
                day,
                params,
                workers.engine,
                wanted=wanted,
                chunk_size=chunk_size,
                on_progress=progress.track(f"derivatives {day}"),
            )
            consumed = _describe_input(lake, day)
            # The event log keeps every picture: those of a day that is as it was are there already.
            return {
                table.name: {
                    **({} if report.is_unchanged else _sheet(lake, table.name, day)),
                    **describe_increment(lake.tables, report, table),
                    **consumed,
                }
                for table, report in zip(wanted, reports, strict=True)
            }

        yield from run_days(context, step)

    return [derivatives]


def _describe_input(lake: LakeResource, day: date) -> Metadata:
    size_bytes = lake.tables.read_column(BRONZE_IMAGES.name, day, "size_bytes").sum()
    return {"input_size_bytes": dg.MetadataValue.int(int(size_bytes))}


def _sheet(lake: LakeResource, asset: str, day: date) -> Metadata:
    store = lake.tables.store
    if asset == THUMBNAILS.name:
        return contact_sheet(store, lake.tables.read(THUMBNAILS, day)["thumbnail_path"].to_list())
    if asset == SILVER_IMAGES.name:
        images = lake.tables.read(SILVER_IMAGES, day)
        worst = [images.bottom_k(_WORST, by=measure) for measure in ("blur", "brightness_ratio")]
        keys = [key for each in worst for key in each["cleansed_path"]]
        return contact_sheet(store, keys, "blurriest_then_darkest")
    return {}
