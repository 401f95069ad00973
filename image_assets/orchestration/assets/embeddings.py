"""Embeddings: a unit vector per image, computed on the GPU where there is one."""

from datetime import date
from functools import partial

import dagster as dg

from image_assets.models.encoders.encoder import EncoderDescription, EncoderLoad
from image_assets.orchestration.daily import AssetRun, Daily
from image_assets.orchestration.keys import GPU_POOL, Group
from image_assets.orchestration.metadata.counts import Metadata, column_schema, describe_increment
from image_assets.steps.vectors.embeddings import embed_day, table_of
from image_assets.tables.embeddings import ALL_EMBEDDINGS, IMAGE_EMBEDDINGS


def embedding_assets(daily: Daily, encoder: str) -> list[dg.AssetsDefinition]:
    """`image_embeddings`, for the encoder that the settings name; loading it waits until a run needs it."""
    # Its columns are known when the encoder is: the dimension of the vectors is in their type.
    said, deps = ALL_EMBEDDINGS.description, daily.chain.stage("embeddings").reads
    kinds, group = {"parquet", "torch"}, Group.EMBEDDINGS
    spec = daily.spec(IMAGE_EMBEDDINGS, said, group=group, kinds=kinds, deps=deps, version=encoder)
    return [daily.asset(spec, partial(_image_embeddings, spec), needs={"gpu"}, pool=GPU_POOL)]


def _image_embeddings(spec: dg.AssetSpec, run: AssetRun, day: date) -> Metadata:
    encoder = run.gpu.encoder
    report, table = run.work(embed_day, day, encoder, run.gpu.encode), table_of(encoder.description)
    counts = describe_increment(run.tables, report, table)
    load = _describe_load(encoder.load if report.computed else None)
    columns = {"dagster/column_schema": dg.MetadataValue.table_schema(column_schema(table, spec))}
    return {**counts, **_describe_encoder(encoder.description), **load, **columns}


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
