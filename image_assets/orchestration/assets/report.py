"""The daily report: files for people, made from gold."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg

from image_assets.orchestration.daily import Daily, daily_asset, run_days
from image_assets.orchestration.keys import DAILY_REPORT
from image_assets.orchestration.metadata.counts import Metadata
from image_assets.orchestration.resources import LakeResource
from image_assets.steps.gold.category_links import link_by_category
from image_assets.steps.gold.report import ReportParams, write_report
from image_assets.tables.gold import DAILY_SUMMARY, GOLD_IMAGES
from image_assets.tables.rejections import REJECTED_IMAGES


def report_assets(daily: Daily, params: ReportParams, *, with_links: bool) -> list[dg.AssetsDefinition]:
    """`daily_report`; `with_links` adds a folder tree of links by category."""
    spec = daily.spec(
        DAILY_REPORT,
        "The day for people: a page that prints, results for a spreadsheet, a list by category, a JSON summary.",
        group="serving",
        kinds={"html", "csv"},
        deps=[GOLD_IMAGES.name, DAILY_SUMMARY.name, REJECTED_IMAGES.name],
        code_version="2",
    )

    @daily_asset(spec, name=DAILY_REPORT)
    def daily_report(context: dg.AssetExecutionContext, lake: LakeResource) -> Iterator[dg.MaterializeResult[Any]]:
        def step(day: date) -> dict[str, Metadata]:
            written = write_report(lake.tables, day, params)
            page, *others = (lake.tables.store.uri(key) for key in written.keys)
            metadata: dict[str, dg.MetadataValue[Any]] = {
                "outcome": dg.MetadataValue.text("changed" if written.is_changed else "unchanged"),
                "dagster/uri": dg.MetadataValue.text(page),
                "page": dg.MetadataValue.path(page),
                "to_open_it": dg.MetadataValue.text(f"image-assets report --day {day} --open"),
                **{name.replace(" ", "_"): dg.MetadataValue.int(images) for name, images in written.totals.items()},
                "files": dg.MetadataValue.md("\n".join(f"- `{uri}`" for uri in (page, *others))),
            }
            if with_links:
                metadata["links"] = dg.MetadataValue.int(link_by_category(lake.tables, day))
            return {DAILY_REPORT: metadata}

        yield from run_days(context, step)

    return [daily_report]
