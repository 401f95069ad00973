"""Enrichment: what models say of an image, each in a table of its own; none of it can stop an image."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import cache, partial
from typing import Any, TypeVar

import dagster as dg

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.captioner import Captioner
from image_assets.models.encoder import Placement
from image_assets.models.lazy_captioner import open_captioner
from image_assets.models.moderation import Moderator
from image_assets.models.tagging import Tagger
from image_assets.orchestration.daily import Daily, daily_asset, run_days
from image_assets.orchestration.keys import GPU_POOL, IMAGE_EMBEDDINGS
from image_assets.orchestration.metadata.counts import Metadata, describe_increment, describe_rows
from image_assets.orchestration.metadata.enrichment import (
    describe_captions,
    describe_tags,
    describe_text,
    describe_verdicts,
)
from image_assets.orchestration.resources import GpuResource, LakeResource, Progress, WorkersResource
from image_assets.steps.enrichment.captions import caption_day
from image_assets.steps.enrichment.image_text import leave_unread, read_day
from image_assets.steps.enrichment.moderation import moderate_day
from image_assets.steps.enrichment.params import EnrichmentParams
from image_assets.steps.enrichment.tags import tag_day
from image_assets.steps.increment.increment import IncrementReport
from image_assets.steps.increment.recipe import version_of
from image_assets.tables.enrichment import IMAGE_CAPTIONS, IMAGE_MODERATION, IMAGE_TAGS, IMAGE_TEXT
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES
from image_assets.tables.table import Table

_GROUP = "enrichment"
_JudgeT = TypeVar("_JudgeT")


def enrichment_assets(
    daily: Daily, encoder: str, params: EnrichmentParams, chunk_size: int
) -> list[dg.AssetsDefinition]:
    """`image_tags`, `image_moderation`, `image_captions` and `image_text`."""
    return [
        _asset_on_vectors(
            _spec(daily, IMAGE_TAGS, "torch", IMAGE_EMBEDDINGS, encoder, repr(params.vocabulary)),
            IMAGE_TAGS,
            make=lambda gpu: Tagger(gpu.encoder, params.vocabulary),
            work=partial(tag_day, chunk_size=chunk_size),
            describe=describe_tags,
        ),
        _asset_on_vectors(
            _spec(daily, IMAGE_MODERATION, "torch", IMAGE_EMBEDDINGS, encoder, repr(params.policies)),
            IMAGE_MODERATION,
            make=lambda gpu: Moderator(gpu.encoder, params.policies),
            work=partial(moderate_day, chunk_size=chunk_size),
            describe=describe_verdicts,
        ),
        _image_captions(daily, params, chunk_size),
        _image_text(daily, params, chunk_size),
    ]


def _spec(daily: Daily, table: Table, kind: str, upstream: str, *version: str) -> dg.AssetSpec:
    return daily.table_spec(table, group=_GROUP, kinds={kind}, deps=[upstream], code_version=version_of(*version))


def _asset_on_vectors(
    spec: dg.AssetSpec,
    table: Table,
    *,
    make: Callable[[GpuResource], _JudgeT],
    work: Callable[..., IncrementReport],
    describe: Callable[[ParquetTables, IncrementReport, _JudgeT], Metadata],
) -> dg.AssetsDefinition:
    """A table that is made from vectors alone: `make` once per run, `work` on each day, `describe` it."""
    name = table.name

    @daily_asset(spec, name=name, pool=GPU_POOL)
    def asset_on_vectors(
        context: dg.AssetExecutionContext,
        lake: LakeResource,
        gpu: GpuResource,
        progress: dg.ResourceParam[Progress],
    ) -> Iterator[dg.MaterializeResult[Any]]:
        judge = cache(lambda: make(gpu))

        def step(day: date) -> dict[str, Metadata]:
            report = work(lake.tables, day, judge(), on_progress=progress.track(f"{name} {day}"))
            counts = describe_increment(lake.tables, report, table)
            return {name: {**counts, **describe(lake.tables, report, judge())}}

        yield from run_days(context, step)

    return asset_on_vectors


def _image_captions(daily: Daily, params: EnrichmentParams, chunk_size: int) -> dg.AssetsDefinition:
    name = IMAGE_CAPTIONS.name
    upstream, kind = (SILVER_IMAGES.name, "torch") if params.has_captioner else (IMAGE_TAGS.name, "polars")
    spec = _spec(daily, IMAGE_CAPTIONS, kind, upstream, params.captioner, params.captioner_revision or "")

    @daily_asset(spec, name=name, pool=GPU_POOL if params.has_captioner else None)
    def image_captions(
        context: dg.AssetExecutionContext,
        lake: LakeResource,
        gpu: GpuResource,
        progress: dg.ResourceParam[Progress],
    ) -> Iterator[dg.MaterializeResult[Any]]:
        captioner = cache(lambda: _open_captioner(params, gpu))

        def step(day: date) -> dict[str, Metadata]:
            track = progress.track(f"{name} {day}")
            report = caption_day(lake.tables, day, captioner(), chunk_size=chunk_size, on_progress=track)
            counts = describe_increment(lake.tables, report, IMAGE_CAPTIONS)
            return {name: {**counts, **describe_captions(lake.tables, day)}}

        yield from run_days(context, step)

    return image_captions


def _open_captioner(params: EnrichmentParams, gpu: GpuResource) -> Captioner | None:
    if not params.has_captioner:
        return None
    return open_captioner(
        params.captioner, params.captioner_revision, Placement(gpu.device, gpu.precision, gpu.batch_size)
    )


def _image_text(daily: Daily, params: EnrichmentParams, chunk_size: int) -> dg.AssetsDefinition:
    name = IMAGE_TEXT.name
    spec = _spec(daily, IMAGE_TEXT, "onnx", BRONZE_IMAGES.name, repr(params.text))

    @daily_asset(spec, name=name)
    def image_text(
        context: dg.AssetExecutionContext,
        lake: LakeResource,
        workers: WorkersResource,
        progress: dg.ResourceParam[Progress],
    ) -> Iterator[dg.MaterializeResult[Any]]:
        def step(day: date) -> dict[str, Metadata]:
            if not params.reads_text:
                return {name: _unread(lake, day)}
            track = progress.track(f"{name} {day}")
            report = read_day(lake.tables, day, params.text, workers.engine, chunk_size=chunk_size, on_progress=track)
            counts = describe_increment(lake.tables, report, IMAGE_TEXT)
            return {name: {**counts, **describe_text(lake.tables, day)}}

        yield from run_days(context, step)

    return image_text


def _unread(lake: LakeResource, day: date) -> Metadata:
    rows = leave_unread(lake.tables, day)
    advice = "off: pip install 'image-assets[ocr]' and set IMAGE_ASSETS_OCR=1"
    return {"outcome": dg.MetadataValue.text(advice), **describe_rows(lake.tables, IMAGE_TEXT, day, rows)}
