"""Predictions: what the model in charge takes each image for."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from typing import Any

import dagster as dg

from image_assets.orchestration.daily import Daily, daily_asset, run_days
from image_assets.orchestration.keys import GPU_POOL, IMAGE_EMBEDDINGS
from image_assets.orchestration.metadata.classifier import describe_predictions
from image_assets.orchestration.metadata.counts import Metadata, describe_increment
from image_assets.orchestration.resources import GpuResource, LakeResource, Progress
from image_assets.steps.classification.predictions import PredictionParams, choose_model, predict_day
from image_assets.tables.images import SILVER_IMAGES
from image_assets.tables.predictions import ALL_PREDICTIONS, IMAGE_PREDICTIONS, predictions_table
from image_assets.tables.training import CLASSIFIER_EVALUATIONS


def prediction_assets(
    daily: Daily, params: PredictionParams, classes: Sequence[str], chunk_size: int
) -> list[dg.AssetsDefinition]:
    """`image_predictions`, by the champion, or by the encoder alone before there is one."""
    deps = [IMAGE_EMBEDDINGS, SILVER_IMAGES.name, CLASSIFIER_EVALUATIONS.name]
    spec = daily.table_spec(ALL_PREDICTIONS, group="models", kinds={"torch"}, deps=deps, code_version="1")

    @daily_asset(spec, name=IMAGE_PREDICTIONS, pool=GPU_POOL)
    def image_predictions(
        context: dg.AssetExecutionContext,
        lake: LakeResource,
        gpu: GpuResource,
        progress: dg.ResourceParam[Progress],
    ) -> Iterator[dg.MaterializeResult[Any]]:
        # Chosen on the first day that needs it, where its errors are told; the same for all days of the run.
        model = cache(lambda: choose_model(lake.tables, gpu.encoder, classes, gpu.device))

        def step(day: date) -> dict[str, Metadata]:
            report = predict_day(
                lake.tables,
                day,
                gpu.encoder.description,
                model(),
                params,
                chunk_size=chunk_size,
                on_progress=progress.track(f"{IMAGE_PREDICTIONS} {day}"),
            )
            table = predictions_table(model().version)
            described = describe_predictions(lake.tables.read(table, day), model())
            return {IMAGE_PREDICTIONS: {**describe_increment(lake.tables, report, table), **described}}

        yield from run_days(context, step)

    return [image_predictions]
