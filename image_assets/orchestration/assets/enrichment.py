"""Enrichment: what models say of an image, each in a table of its own; none of it can stop an image."""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

import dagster as dg

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.captioning.captioner import Captioner
from image_assets.models.captioning.lazy_captioner import open_captioner
from image_assets.models.encoders.encoder import Placement
from image_assets.models.moderation.open_nsfw import OpenNsfw
from image_assets.models.moderation.picture_moderator import PictureModerator
from image_assets.orchestration.daily import AssetRun, Daily
from image_assets.orchestration.keys import GPU_POOL, Group
from image_assets.orchestration.metadata.counts import Metadata, describe_increment, describe_rows
from image_assets.orchestration.metadata.enrichment import (
    describe_captions,
    describe_tags,
    describe_text,
    describe_verdicts,
)
from image_assets.orchestration.resources import EncoderResource
from image_assets.steps.enrichment.captions import caption_day
from image_assets.steps.enrichment.image_text import leave_unread, read_day
from image_assets.steps.enrichment.judging import VectorStage
from image_assets.steps.enrichment.moderation import moderate_pictures
from image_assets.steps.enrichment.params import EnrichmentParams
from image_assets.steps.enrichment.vector_stages import vector_stages
from image_assets.steps.increment.increment import IncrementReport
from image_assets.steps.increment.recipe import version_of
from image_assets.tables.enrichment import IMAGE_CAPTIONS, IMAGE_MODERATION, IMAGE_TAGS, IMAGE_TEXT
from image_assets.tables.table import Table

# What a stage on vectors shows besides its counts.
_SHOWN: dict[str, Callable[[ParquetTables, IncrementReport, Any], Metadata]] = {
    IMAGE_TAGS.name: describe_tags,
    IMAGE_MODERATION.name: describe_verdicts,
}


def enrichment_assets(daily: Daily, encoder: str, params: EnrichmentParams) -> list[dg.AssetsDefinition]:
    """`image_tags`, `image_moderation` and whatever else is asked of vectors; `image_captions` and `image_text`."""
    on_vectors = [_asset_on_vectors(daily, encoder, params, stage) for stage in vector_stages(params)]
    on_pictures = [_picture_moderation_asset(daily, params)] if params.moderates_pictures else []
    return [*on_vectors, *on_pictures, _captions_asset(daily, params), _text_asset(daily, params)]


def _spec(daily: Daily, table: Table, kind: str, *version: str) -> dg.AssetSpec:
    return daily.table_spec(table, group=Group.ENRICHMENT, kinds={kind}, version=version_of(*version))


def _asset_on_vectors(daily: Daily, encoder: str, params: EnrichmentParams, stage: VectorStage) -> dg.AssetsDefinition:
    spec = _spec(daily, stage.table, "torch", encoder, stage.asked(params))
    return daily.asset(spec, partial(_judged, params, stage), needs={"gpu"}, pool=GPU_POOL)


def _judged(params: EnrichmentParams, stage: VectorStage, run: AssetRun, day: date) -> Metadata:
    judge = run.once(stage.judge, run.gpu.encoder, params)
    report = run.work(stage.work, day, judge)
    describe = _SHOWN.get(stage.table.name)
    shown = describe(run.tables, report, judge) if describe else {}
    return {**describe_increment(run.tables, report, stage.table), **shown}


def _picture_moderation_asset(daily: Daily, params: EnrichmentParams) -> dg.AssetsDefinition:
    spec = _spec(daily, IMAGE_MODERATION, "onnx", params.moderation, repr(params.policies))
    return daily.asset(spec, partial(_pictures_moderated, params), pool=GPU_POOL)


def _pictures_moderated(params: EnrichmentParams, run: AssetRun, day: date) -> Metadata:
    moderator = run.once(_open_picture_moderator, params)
    report = run.work(moderate_pictures, day, moderator)
    shown = describe_verdicts(run.tables, report, moderator)
    return {**describe_increment(run.tables, report, IMAGE_MODERATION), **shown}


def _open_picture_moderator(params: EnrichmentParams) -> PictureModerator:
    return PictureModerator(OpenNsfw(), params.policies)


def _captions_asset(daily: Daily, params: EnrichmentParams) -> dg.AssetsDefinition:
    kind, pool = ("torch", GPU_POOL) if params.has_captioner else ("polars", None)
    spec = _spec(daily, IMAGE_CAPTIONS, kind, params.captioner, params.captioner_revision or "")
    return daily.asset(spec, partial(_image_captions, params), needs={"gpu"}, pool=pool)


def _image_captions(params: EnrichmentParams, run: AssetRun, day: date) -> Metadata:
    captioner = run.once(_open_captioner, params, run.gpu)
    report = run.work(caption_day, day, captioner)
    return {**describe_increment(run.tables, report, IMAGE_CAPTIONS), **describe_captions(run.tables, day)}


def _open_captioner(params: EnrichmentParams, gpu: EncoderResource) -> Captioner | None:
    if not params.has_captioner:
        return None
    placement = Placement(gpu.device, gpu.precision, gpu.batch_size)
    return open_captioner(params.captioner, params.captioner_revision, placement)


def _text_asset(daily: Daily, params: EnrichmentParams) -> dg.AssetsDefinition:
    spec = _spec(daily, IMAGE_TEXT, "onnx", repr(params.text))
    return daily.asset(spec, partial(_image_text, params), needs={"workers"})


def _image_text(params: EnrichmentParams, run: AssetRun, day: date) -> Metadata:
    if not params.reads_text:
        return _unread(run, day)
    report = run.work(read_day, day, params.text, run.engine)
    return {**describe_increment(run.tables, report, IMAGE_TEXT), **describe_text(run.tables, day)}


def _unread(run: AssetRun, day: date) -> Metadata:
    rows = sum(leave_unread(run.tables.at(lot), day) for lot in run.lots(day))
    advice = "off: pip install 'image-assets[ocr]' and set IMAGE_ASSETS_OCR=1"
    return {"outcome": dg.MetadataValue.text(advice), **describe_rows(run.tables, IMAGE_TEXT, day, rows)}
