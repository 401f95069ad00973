"""Gold as Delta tables: what Databricks, Fabric, Synapse and Power BI read."""

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Any

import dagster as dg

from image_assets.orchestration.daily import AssetRun, Daily, explained
from image_assets.orchestration.keys import DELTA_GOLD, Group
from image_assets.orchestration.lake_asset import lake_asset, lake_spec
from image_assets.orchestration.metadata.counts import Metadata
from image_assets.steps.publishing.delta_gold import CODE_VERSION, publish_delta, tidy_delta
from image_assets.tables.embeddings import IMAGE_EMBEDDINGS
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.predictions import IMAGE_PREDICTIONS

DELTA_UPKEEP = "delta_upkeep"


def delta_assets(daily: Daily, place: str) -> list[dg.AssetsDefinition]:
    """`delta_gold`."""
    said = "Gold, predictions and vectors as Delta tables; a day is replaced whole, and only when it differs."
    reads = [GOLD_IMAGES.name, IMAGE_PREDICTIONS, IMAGE_EMBEDDINGS]
    spec = daily.spec(DELTA_GOLD, said, group=Group.SERVING, kinds={"deltalake"}, deps=reads, version=str(CODE_VERSION))
    return [daily.asset(spec, partial(_delta_gold, place), needs={"gpu"})]


def _delta_gold(place: str, run: AssetRun, day: date) -> Metadata:
    published = publish_delta(run.tables, day, run.gpu.description, place)
    rows = {each.name: each.rows for each in published}
    outcome = "unchanged" if not any(each is not None for each in rows.values()) else "published"
    counts = {name: dg.MetadataValue.int(count) for name, count in rows.items() if count is not None}
    return {"outcome": dg.MetadataValue.text(outcome), "place": dg.MetadataValue.text(place), **counts}


def delta_upkeep_assets(owner: str, place: str, keep_hours: int) -> list[dg.AssetsDefinition]:
    """`delta_upkeep`."""
    said = f"Small files of the Delta tables put together; files of versions older than {keep_hours} hours are removed."
    spec = lake_spec(DELTA_UPKEEP, said, owner, group=Group.UPKEEP, kinds={"deltalake"}, deps=[DELTA_GOLD])

    @lake_asset(spec)
    def delta_upkeep() -> Iterator[dg.MaterializeResult[Any]]:
        with explained():
            done = tidy_delta(place, keep_hours)
        counts = {f"{name}_{what}": getattr(each, what) for name, each in done.items() for what in each.__slots__}
        yield dg.MaterializeResult(metadata=counts)

    return [delta_upkeep]
