"""The daily report: files for people, made from gold."""

from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import dagster as dg

from image_assets.orchestration.daily import AssetRun, Daily
from image_assets.orchestration.keys import DAILY_REPORT, Group
from image_assets.orchestration.metadata.counts import Metadata
from image_assets.steps.gold.category_links import link_by_category
from image_assets.steps.gold.report import ReportParams, write_report


def report_assets(daily: Daily, params: ReportParams, *, with_links: bool) -> list[dg.AssetsDefinition]:
    """`daily_report`; `with_links` adds a folder tree of links by category."""
    said = "The day for people: a page that prints, results for a spreadsheet, a list by category, a JSON summary."
    deps, kinds = daily.chain.stage("report").reads, {"html", "csv"}
    spec = daily.spec(DAILY_REPORT, said, group=Group.SERVING, kinds=kinds, deps=deps, version="2")
    return [daily.asset(spec, partial(_daily_report, params, with_links))]


def _daily_report(params: ReportParams, with_links: bool, run: AssetRun, day: date) -> Metadata:
    written = write_report(run.tables, day, replace(params, gallery_url=run.settings.gallery_url(day)))
    uris = [run.tables.store.uri(key) for key in written.keys]
    outcome = dg.MetadataValue.text("changed" if written.is_changed else "unchanged")
    totals = {name.replace(" ", "_"): dg.MetadataValue.int(images) for name, images in written.totals.items()}
    links = {"links": dg.MetadataValue.int(link_by_category(run.tables, day))} if with_links else {}
    return {"outcome": outcome, **_described(uris, day), **totals, **links}


def _described(uris: list[str], day: date) -> dict[str, dg.MetadataValue[Any]]:
    return {
        "dagster/uri": dg.MetadataValue.text(uris[0]),
        "page": dg.MetadataValue.text(uris[0]) if "://" in uris[0] else dg.MetadataValue.path(uris[0]),
        "to_open_it": dg.MetadataValue.text(f"image-assets report --day {day} --open"),
        "files": dg.MetadataValue.md("\n".join(f"- `{uri}`" for uri in uris)),
    }
