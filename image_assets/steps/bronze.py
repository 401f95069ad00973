"""Bronze: every upload of a day becomes a row, accepted or rejected, and accepted originals are kept.

The landing zone's current files decide. A file that has left the landing zone since keeps its row:
its original is safe in bronze, and a purged landing zone must not empty the lake.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import date, datetime
from functools import partial
from typing import Any

import polars as pl

from image_assets.compute.engine import Engine
from image_assets.ids import ObjectKey, Sha256, SourceUri
from image_assets.imaging.formats import ALLOWED_FORMATS
from image_assets.imaging.inspect import InspectParams
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.erasure import erased_ids
from image_assets.steps.increment import IncrementReport, Progress, run_increment
from image_assets.steps.landing import LandingFile, list_landing
from image_assets.steps.original import Upload, take_in
from image_assets.steps.recipe import Recipe, version_of
from image_assets.steps.standing import Target
from image_assets.steps.workers import in_workers
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import rejections_of
from image_assets.tables.table import Table

_CODE_VERSION = 2
_TOLD = ["user_id", "uploaded_at", "raw_name", "label", "sidecar_problem"]


def take_in_day(
    tables: ParquetTables,
    day: date,
    limits: InspectParams,
    engine: Engine,
    *,
    chunk_size: int,
    on_progress: Progress = lambda _done, _total: None,
) -> IncrementReport:
    """Bring `bronze_images` of a day in line with the landing zone."""
    uploads = {upload.key: upload for upload in _uploads(tables, day)}
    inputs = _inputs(uploads.values())
    work = partial(take_in, store=tables.store, limits=limits, erased=erased_ids(tables, day))
    process = in_workers(engine, work, lambda item: uploads[SourceUri(str(item.row["source_uri"]))])
    targets = [bronze_target(limits)]
    return run_increment(tables, targets, day, inputs, process, chunk_size=chunk_size, on_progress=on_progress)[0]


def bronze_target(limits: InspectParams) -> Target:
    """What is wanted of `bronze_images`."""
    return Target(BRONZE_IMAGES, bronze_recipe(limits), key="source_uri")


def bronze_inputs(tables: ParquetTables, day: date) -> pl.DataFrame:
    """The uploads of a day, those that have left the landing zone included."""
    return _inputs(_uploads(tables, day))


def bronze_recipe(limits: InspectParams) -> Recipe:
    """What decides a bronze row besides the file: limits, readable formats and code."""
    return Recipe({"code": _CODE_VERSION, "limits": asdict(limits), "formats": sorted(ALLOWED_FORMATS)})


def _inputs(uploads: Iterable[Upload]) -> pl.DataFrame:
    return pl.DataFrame(
        [(upload.key, upload.version, upload.size_bytes) for upload in uploads],
        schema={"source_uri": pl.String, "input_version": pl.String, "size_bytes": pl.UInt64},
        orient="row",
    )


def _uploads(tables: ParquetTables, day: date) -> Iterator[Upload]:
    landing = list_landing(tables.store, day)
    rows = {
        str(row["source_uri"]): row
        for row in _stored(tables, BRONZE_IMAGES, day, ["raw_path", "sha256", "ingested_at", *_TOLD])
    }
    for file in landing.files:
        yield _listed(file, day, rows.get(file.source_uri))
    listed = landing.sidecars.union(file.source_uri for file in landing.files)
    for row in rows.values():
        if row["source_uri"] not in listed:
            yield _remembered(row, day, ObjectKey(str(row["raw_path"])), {name: row[name] for name in _TOLD})
    for row in _stored(tables, rejections_of(BRONZE_IMAGES), day, []):
        if row["source_uri"] not in listed:
            yield _remembered(row, day, object_keys.key_of(SourceUri(str(row["source_uri"]))), {})


def _stored(tables: ParquetTables, table: Table, day: date, columns: list[str]) -> list[dict[str, Any]]:
    """Rows of the last commit, whatever recipe or schema made them."""
    if not tables.exists(table, day):
        return []
    rows = tables.scan_files([object_keys.table_key(table.name, day)])
    names = ["source_uri", "input_version", "size_bytes", *columns]
    return (
        rows.with_columns(pl.lit(None).alias(name) for name in names if name not in rows.columns)
        .select(names)
        .to_dicts()
    )


def _listed(file: LandingFile, day: date, row: Mapping[str, object] | None) -> Upload:
    version = version_of(file.version)
    told = {
        "user_id": file.folder_user,
        "uploaded_at": file.modified_at,
        "raw_name": file.name,
        "label": None,
        "sidecar_problem": None,
    }
    key = object_keys.key_of(file.source_uri)
    return Upload(file.source_uri, version, day, key, file.size_bytes, told, file.sidecar_uri, _ingested(row))


def _remembered(row: Mapping[str, Any], day: date, read_key: ObjectKey, told: Mapping[str, object]) -> Upload:
    size_bytes = row["size_bytes"] or 0
    return Upload(
        row["source_uri"],
        row["input_version"],
        day,
        read_key,
        size_bytes,
        told,
        sidecar_uri=None,
        ingested=_ingested(row),
    )


def _ingested(row: Mapping[str, Any] | None) -> tuple[Sha256, datetime] | None:
    return (row["sha256"], row["ingested_at"]) if row and row.get("sha256") and row.get("ingested_at") else None
