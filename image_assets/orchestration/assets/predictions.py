"""Predictions: what the model in charge takes each image for."""

from datetime import date

import dagster as dg

from image_assets.orchestration.daily import AssetRun, Daily
from image_assets.orchestration.keys import GPU_POOL, Group
from image_assets.orchestration.metadata.classifier import describe_predictions
from image_assets.orchestration.metadata.counts import Metadata, describe_increment
from image_assets.steps.classification.predictions import choose_model, predict_day
from image_assets.tables.predictions import ALL_PREDICTIONS, predictions_table


def prediction_assets(daily: Daily) -> list[dg.AssetsDefinition]:
    """`image_predictions`, by the champion, or by the encoder alone before there is one."""
    spec = daily.table_spec(ALL_PREDICTIONS, group=Group.MODELS, kinds={"torch"}, version="1")
    return [daily.asset(spec, _image_predictions, needs={"gpu"}, pool=GPU_POOL)]


def _image_predictions(run: AssetRun, day: date) -> Metadata:
    model = run.once(choose_model, run.tables, run.gpu.encoder, run.settings.class_names, run.gpu.device)
    report = run.work(predict_day, day, run.gpu.description, model, run.settings.prediction_params)
    table = predictions_table(model.version)
    described = describe_predictions(run.tables.read(table, day), model)
    return {**describe_increment(run.tables, report, table), **described}
