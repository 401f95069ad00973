"""The one place where Dagster objects meet: `dagster dev` loads `defs`; tests and the CLI build their own."""

from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any

import dagster as dg

from image_assets.lake.remote.address import RemoteRoot
from image_assets.models.encoders.encoder import encoder_key
from image_assets.orchestration.assets.archive import archive_assets
from image_assets.orchestration.assets.bronze import bronze_assets
from image_assets.orchestration.assets.classifier import classifier_assets
from image_assets.orchestration.assets.duplicates import duplicate_assets
from image_assets.orchestration.assets.embeddings import embedding_assets
from image_assets.orchestration.assets.enrichment import enrichment_assets
from image_assets.orchestration.assets.gold import gold_assets
from image_assets.orchestration.assets.landing import landing_assets
from image_assets.orchestration.assets.predictions import prediction_assets
from image_assets.orchestration.assets.report import report_assets
from image_assets.orchestration.assets.silver import silver_assets
from image_assets.orchestration.assets.upkeep import upkeep_assets
from image_assets.orchestration.assets.vector_index import index_assets
from image_assets.orchestration.assets.warehouse import warehouse_assets
from image_assets.orchestration.automation.alerts import alert_sensor
from image_assets.orchestration.automation.decided_days import decided_days_sensor
from image_assets.orchestration.automation.landing_sensor import landing_sensor
from image_assets.orchestration.automation.later_days import later_days_sensor
from image_assets.orchestration.automation.model_sensor import model_sensor
from image_assets.orchestration.automation.schedules import (
    follower,
    morning_schedule,
    nightly_schedule,
    weekly_schedule,
)
from image_assets.orchestration.automation.split_runs import split_failed_runs
from image_assets.orchestration.checks.catalogue import all_checks
from image_assets.orchestration.checks.drift import drift_checks
from image_assets.orchestration.checks.punctuality import punctuality_checks
from image_assets.orchestration.checks.vector_index import index_checks
from image_assets.orchestration.daily import Daily
from image_assets.orchestration.jobs import (
    DAILY_JOB,
    DAILY_JOB_DESCRIPTION,
    HOUSEKEEPING_JOB,
    HOUSEKEEPING_JOB_DESCRIPTION,
    MORNING_JOB,
    MORNING_JOB_DESCRIPTION,
    TRAIN_JOB,
    TRAIN_JOB_DESCRIPTION,
    WAREHOUSE_JOB,
    WAREHOUSE_JOB_DESCRIPTION,
)
from image_assets.orchestration.partitions import daily_partitions
from image_assets.orchestration.resources import EncoderResource, LakeResource, LoggedProgress, WorkersResource
from image_assets.orchestration.runs.json_console import CONSOLE, console_config, json_console
from image_assets.orchestration.tracking import MLFLOW, end_run_hook, mlflow_resource
from image_assets.settings import Settings, load_settings
from image_assets.steps.gold.report import ReportParams
from image_assets.steps.vectors.embeddings import lake_tables
from image_assets.tables.chain import LANDING


def build_definitions(settings: Settings, **resources: object) -> dg.Definitions:
    """All assets, checks, jobs and automation for these settings; `resources` replace the usual ones by key."""
    encoder, enrichment = encoder_key(settings.encoder), settings.enrichment_params
    daily = Daily(daily_partitions(settings.start_day), enrichment.chain, settings)
    published, published_checks = _published(daily, encoder)
    daily_assets = [
        *bronze_assets(daily),
        *silver_assets(daily),
        *embedding_assets(daily, settings.encoder),
        *duplicate_assets(daily, encoder),
        *enrichment_assets(daily, encoder, enrichment),
        *prediction_assets(daily),
        *gold_assets(daily, encoder),
        *report_assets(daily, ReportParams(), with_links=settings.category_links),
        *published,
        *_delta(daily),
    ]
    whole_lake = [
        *warehouse_assets(settings.owner, lambda tables: lake_tables(tables, encoder)),
        *index_assets(settings.owner, settings.index_params),
    ]
    upkeep = [
        *upkeep_assets(settings.owner, settings.keep_runs_days, settings.scrub_weeks),
        *archive_assets(settings.owner, settings.archive_after_days, settings.archive_tier),
        *_delta_upkeep(settings),
    ]
    training = classifier_assets(settings)
    is_json = settings.log_format == "json"
    define_job = partial(dg.define_asset_job, config=console_config("DEBUG") if is_json else None)
    daily_job = define_job(DAILY_JOB, dg.AssetSelection.assets(*daily_assets), description=DAILY_JOB_DESCRIPTION)
    jobs = [
        daily_job,
        define_job(WAREHOUSE_JOB, dg.AssetSelection.assets(*whole_lake), description=WAREHOUSE_JOB_DESCRIPTION),
        define_job(
            TRAIN_JOB, dg.AssetSelection.assets(*training), description=TRAIN_JOB_DESCRIPTION, hooks={end_run_hook()}
        ),
        define_job(MORNING_JOB, dg.AssetSelection.checks_for_assets(LANDING), description=MORNING_JOB_DESCRIPTION),
        define_job(HOUSEKEEPING_JOB, dg.AssetSelection.assets(*upkeep), description=HOUSEKEEPING_JOB_DESCRIPTION),
    ]
    return dg.Definitions(
        assets=[*landing_assets(daily), *daily_assets, *training, *whole_lake, *upkeep],
        asset_checks=[
            *all_checks(daily.partitions, encoder, daily.chain),
            *index_checks(daily.partitions, settings.index_params),
            *drift_checks(daily.partitions, encoder, settings),
            *punctuality_checks(daily.partitions, settings.landing_lookback_days),
            *published_checks,
        ],
        jobs=jobs,
        schedules=[nightly_schedule(), morning_schedule(), weekly_schedule()],
        sensors=[
            *_landing_sensors(daily),
            follower(dg.AssetSelection.assets(*whole_lake)),
            split_failed_runs(daily_job),
            decided_days_sensor(daily.partitions),
            later_days_sensor(daily.partitions, settings),
            model_sensor(daily.partitions, f"{settings.encoder}@{settings.encoder_revision or 'newest'}"),
            *([alert_sensor(settings.alert_webhook)] if settings.alert_webhook else []),
        ],
        resources={**usual_resources(settings), **resources},
        executor=dg.in_process_executor,
        loggers={CONSOLE: json_console} if is_json else {},
    )


def _landing_sensors(daily: Daily) -> list[dg.SensorDefinition]:
    """The one that lists days; where a queue tells of uploads the one that receives, and the other waits for a word."""
    status, lookback_days = dg.DefaultSensorStatus, daily.settings.landing_lookback_days
    queue, root = daily.settings.events_queue, daily.settings.root
    if not (queue and isinstance(root, RemoteRoot)):
        return [landing_sensor(daily.partitions, lookback_days, status.RUNNING)]
    from image_assets.orchestration.automation.landing_events import landing_events_sensor

    return [
        landing_events_sensor(daily.partitions, queue, root),
        landing_sensor(daily.partitions, lookback_days, status.STOPPED),
    ]


def _published(daily: Daily, encoder: str) -> tuple[list[dg.AssetsDefinition], list[dg.AssetChecksDefinition]]:
    """Copies of gold elsewhere with their checks, where they are asked for: what they need is imported only then."""
    if not daily.settings.postgres:
        return [], []
    from image_assets.orchestration.assets.postgres import postgres_assets
    from image_assets.orchestration.checks.published import published_checks

    return postgres_assets(daily, daily.settings.postgres), published_checks(daily, daily.settings.postgres, encoder)


def _delta(daily: Daily) -> list[dg.AssetsDefinition]:
    """Where Delta tables are asked for; what they need is imported only then."""
    if not daily.settings.delta:
        return []
    from image_assets.orchestration.assets.delta import delta_assets

    return delta_assets(daily, daily.settings.delta)


def _delta_upkeep(settings: Settings) -> list[dg.AssetsDefinition]:
    if not settings.delta:
        return []
    from image_assets.orchestration.assets.delta import delta_upkeep_assets

    return delta_upkeep_assets(settings.owner, settings.delta, settings.delta_keep_hours)


def usual_resources(settings: Settings) -> Mapping[str, object]:
    """The lake, workers, GPU and MLflow that the settings describe."""
    return {
        **_lake(settings),
        "workers": WorkersResource(
            workers=settings.workers,
            image_timeout_s=settings.image_timeout_s,
            worker_memory_mb=settings.worker_memory_mb,
            runs_on=settings.engine,
            is_lake_shared=settings.is_lake_shared,
        ),
        "gpu": EncoderResource(
            encoder_name=settings.encoder,
            encoder_revision=settings.encoder_revision,
            device=settings.device,
            precision=settings.precision,
            batch_size=settings.batch_size,
            execution=settings.execution,
            runs_on=settings.engine,
            is_lake_shared=settings.is_lake_shared,
        ),
        MLFLOW: mlflow_resource(settings.tracking),
        "progress": LoggedProgress(),
    }


def _lake(settings: Settings) -> Mapping[str, object]:
    """Where it is in Azure and dagster-azure is installed, with that one's account; it is imported only then."""
    told: dict[str, Any] = {
        "root": str(settings.root),
        "archive_root": str(settings.archive_root) if settings.archive_root else None,
        "history_keep": settings.history_keep,
        "storage_endpoint": settings.storage_endpoint,
        "storage_timeout_s": settings.storage_timeout_s,
        "storage_retries": settings.storage_retries,
        "storage_retry_s": settings.storage_retry_s,
    }
    is_in_azure = isinstance(settings.root, RemoteRoot) and settings.root.scheme == "az"
    if is_in_azure and find_spec("dagster_azure"):
        from image_assets.orchestration.azure_lake import AzureLakeResource, account_resource

        if account := account_resource(settings.storage_endpoint):
            return {"lake": AzureLakeResource(**told, azure=account), "azure_blob_storage": account}
    return {"lake": LakeResource(**told)}


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster dev` loads; built when asked for, so that importing this module reads no settings."""
    return build_definitions(load_settings())
