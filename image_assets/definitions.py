"""The one place where Dagster objects meet: `dagster dev` loads `defs`; tests and the CLI build their own."""

from collections.abc import Mapping

import dagster as dg

from image_assets.models.encoder import encoder_key
from image_assets.orchestration.assets.bronze import bronze_assets
from image_assets.orchestration.assets.embeddings import embedding_assets
from image_assets.orchestration.assets.gold import gold_assets
from image_assets.orchestration.assets.landing import landing_assets
from image_assets.orchestration.assets.silver import silver_assets
from image_assets.orchestration.assets.upkeep import upkeep_assets
from image_assets.orchestration.automation import (
    DAILY_JOB,
    DAILY_JOB_DESCRIPTION,
    WAREHOUSE_JOB,
    follower,
    landing_sensor,
    nightly_schedule,
)
from image_assets.orchestration.checks import all_checks
from image_assets.orchestration.daily import Daily
from image_assets.orchestration.partitions import daily_partitions
from image_assets.orchestration.resources import GpuResource, LakeResource, LoggedProgress, WorkersResource
from image_assets.settings import Settings, load_settings
from image_assets.steps.embeddings import lake_tables


def build_definitions(settings: Settings, **resources: object) -> dg.Definitions:
    """All assets, checks, jobs and automation for these settings; `resources` replace the usual ones by key."""
    daily = Daily(daily_partitions(settings.start_day), settings.owner)
    encoder = encoder_key(settings.encoder)
    daily_assets = [
        *bronze_assets(daily, settings.inspect_params, settings.chunk_size),
        *silver_assets(daily, settings.derivative_params, settings.chunk_size),
        *embedding_assets(daily, settings.encoder, settings.batch_size, settings.chunk_size),
        *gold_assets(daily, encoder, settings.chunk_size),
    ]
    whole_lake = upkeep_assets(settings.owner, lambda tables: lake_tables(tables, encoder))
    jobs = [
        dg.define_asset_job(DAILY_JOB, dg.AssetSelection.assets(*daily_assets), description=DAILY_JOB_DESCRIPTION),
        dg.define_asset_job(WAREHOUSE_JOB, dg.AssetSelection.assets(*whole_lake)),
    ]
    return dg.Definitions(
        assets=[*landing_assets(daily), *daily_assets, *whole_lake],
        asset_checks=all_checks(encoder),
        jobs=jobs,
        schedules=[nightly_schedule()],
        sensors=[
            landing_sensor(daily.partitions, settings.landing_lookback_days),
            follower(dg.AssetSelection.assets(*whole_lake)),
        ],
        resources={**usual_resources(settings), **resources},
        executor=dg.in_process_executor,
    )


def usual_resources(settings: Settings) -> Mapping[str, object]:
    """The lake, workers and GPU that the settings describe."""
    return {
        "lake": LakeResource(root=str(settings.root)),
        "workers": WorkersResource(
            workers=settings.workers,
            image_timeout_s=settings.image_timeout_s,
            worker_memory_mb=settings.worker_memory_mb,
        ),
        "gpu": GpuResource(
            encoder_name=settings.encoder,
            encoder_revision=settings.encoder_revision,
            device=settings.device,
            precision=settings.precision,
            batch_size=settings.batch_size,
        ),
        "progress": LoggedProgress(),
    }


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster dev` loads; built when asked for, so that importing this module reads no settings."""
    return build_definitions(load_settings())
