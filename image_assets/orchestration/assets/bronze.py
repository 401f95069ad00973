"""Bronze: every upload of a day accounted for."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg

from image_assets.imaging.inspect import InspectParams
from image_assets.orchestration.daily import Daily, daily_asset, run_days
from image_assets.orchestration.keys import LANDING
from image_assets.orchestration.metadata.counts import Metadata, describe_increment
from image_assets.orchestration.resources import LakeResource, Progress, WorkersResource
from image_assets.steps.images.bronze import bronze_recipe, take_in_day
from image_assets.steps.upkeep.scrub import note_lost_originals
from image_assets.tables.images import BRONZE_IMAGES


def bronze_assets(daily: Daily, limits: InspectParams, chunk_size: int) -> list[dg.AssetsDefinition]:
    """`bronze_images`."""
    name, version = BRONZE_IMAGES.name, bronze_recipe(limits).version
    spec = daily.table_spec(BRONZE_IMAGES, group="bronze", kinds={"pillow"}, deps=[LANDING], code_version=version)

    @daily_asset(spec, name=name)
    def bronze_images(
        context: dg.AssetExecutionContext,
        lake: LakeResource,
        workers: WorkersResource,
        progress: dg.ResourceParam[Progress],
    ) -> Iterator[dg.MaterializeResult[Any]]:
        def step(day: date) -> dict[str, Metadata]:
            report = take_in_day(
                lake.tables,
                day,
                limits,
                workers.engine,
                chunk_size=chunk_size,
                on_progress=progress.track(f"{name} {day}"),
            )
            damaged = dg.MetadataValue.int(note_lost_originals(lake.tables, day))
            return {name: {**describe_increment(lake.tables, report, BRONZE_IMAGES), "damaged_originals": damaged}}

        yield from run_days(context, step)

    return [bronze_images]
