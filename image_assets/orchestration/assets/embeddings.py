"""Embeddings: a unit vector per image, computed on the GPU where there is one."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg

from image_assets.models.encoder import EncoderDescription, EncoderLoad
from image_assets.orchestration.daily import Daily, daily_asset, run_days
from image_assets.orchestration.keys import GPU_POOL, IMAGE_EMBEDDINGS
from image_assets.orchestration.metadata.counts import Metadata, column_schema, describe_increment
from image_assets.orchestration.resources import GpuResource, LakeResource, Progress
from image_assets.steps.vectors.embeddings import embed_day, table_of
from image_assets.tables.images import SILVER_IMAGES


def embedding_assets(daily: Daily, encoder: str, chunk_size: int) -> list[dg.AssetsDefinition]:
    """`image_embeddings`, for the encoder that the settings name; loading it waits until a run needs it."""
    spec = daily.spec(
        IMAGE_EMBEDDINGS,
        "One row per image and encoder: a vector of unit length.",
        group="embeddings",
        kinds={"parquet", "torch"},
        deps=[SILVER_IMAGES.name],
        code_version=encoder,
    )

    @daily_asset(spec, name=IMAGE_EMBEDDINGS, pool=GPU_POOL)
    def image_embeddings(
        context: dg.AssetExecutionContext,
        lake: LakeResource,
        gpu: GpuResource,
        progress: dg.ResourceParam[Progress],
    ) -> Iterator[dg.MaterializeResult[Any]]:
        def step(day: date) -> dict[str, Metadata]:
            report = embed_day(
                lake.tables,
                day,
                gpu.encoder,
                chunk_size=chunk_size,
                on_progress=progress.track(f"{IMAGE_EMBEDDINGS} {day}"),
            )
            table = table_of(gpu.encoder.description)
            columns = {"dagster/column_schema": dg.MetadataValue.table_schema(column_schema(table, spec))}
            counts = describe_increment(lake.tables, report, table)
            load = _describe_load(gpu.encoder.load if report.computed else None)
            return {IMAGE_EMBEDDINGS: {**counts, **_describe_encoder(gpu.encoder.description), **load, **columns}}

        yield from run_days(context, step)

    return [image_embeddings]


def _describe_encoder(described: EncoderDescription) -> Metadata:
    return {
        "encoder": dg.MetadataValue.text(described.name),
        "revision": dg.MetadataValue.text(described.revision),
        "dimension": dg.MetadataValue.int(described.dimension),
    }


def _describe_load(load: EncoderLoad | None) -> Metadata:
    """Where and how vectors were computed; nothing while none had to be."""
    if load is None:
        return {}
    memory = load.peak_memory_bytes
    return {
        "device": dg.MetadataValue.text(load.device),
        "precision": dg.MetadataValue.text(load.precision),
        "batch_size": dg.MetadataValue.int(load.batch_size),
        **({} if memory is None else {"device_memory_mb": dg.MetadataValue.int(memory // 2**20)}),
    }
