"""Bronze: every upload of a day becomes a row, accepted or rejected, and accepted originals are kept.

The landing zone's current files decide. A file that has left the landing zone since keeps its row, be it committed or
in a chunk of an interrupted run: its original is safe in bronze, and a purged landing zone must not empty the lake.
Should that original be lost too, the row stays as the last that is known of it. What was said of a file stays as well
when only its sidecar has left: a new sidecar or other bytes take it back.
"""

import logging
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from datetime import date
from functools import partial
from typing import Any, Unpack

import polars as pl

from image_assets.compute.engine import Done, Engine, Failed
from image_assets.errors import ImageError, RejectionReason
from image_assets.ids import ObjectKey, SourceUri
from image_assets.imaging.formats import ALLOWED_FORMATS
from image_assets.imaging.inspect import InspectParams
from image_assets.lake import object_keys
from image_assets.lake.lots import WHOLE
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.images.acceptances import Acceptance, read_acceptances
from image_assets.steps.images.certificates import erased_ids
from image_assets.steps.images.landing import LandingDay, LandingFile, find_left_behind, list_landing
from image_assets.steps.images.landing_lots import LandingZone
from image_assets.steps.images.original import Upload, keys_to_read, read_verified, take_in
from image_assets.steps.images.receipts import settle_receipts
from image_assets.steps.images.sent_ahead import clear_sent_ahead
from image_assets.steps.increment.backing import Backing
from image_assets.steps.increment.checkpoints import checkpoints_of
from image_assets.steps.increment.increment import IncrementReport
from image_assets.steps.increment.outcome import Item, Outcome, Process
from image_assets.steps.increment.pace import Pace
from image_assets.steps.increment.recipe import Recipe, version_of
from image_assets.steps.increment.stock import Target
from image_assets.steps.increment.stream import run_increment
from image_assets.steps.increment.workers import in_workers, on_objects
from image_assets.tables.columns import GIVEN
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import rejections_of
from image_assets.tables.table import Table

_CODE_VERSION = 3
_log = logging.getLogger(__name__)
_SAID = ["user_id", "uploaded_at", "raw_name", "label"]
_TOLD = [*_SAID, "sidecar_problem"]
_SAID_BEFORE = {name: f"{name}_before" for name in _SAID}


def take_in_day(
    tables: ParquetTables,
    day: date,
    limits: InspectParams,
    engine: Engine,
    landing: LandingZone | None = None,
    **pace: Unpack[Pace],
) -> IncrementReport:
    """Bring `bronze_images` of a day in line with the landing zone, as it was listed for its lots or is."""
    inputs = partial(bronze_inputs, tables, day, landing)
    taking = partial(take_in, limits=limits, erased=erased_ids(tables, day), version_of=tables.store.version)
    work = on_objects(taking, tables.store, partial(keys_to_read, limits=limits))
    process = partial(_keeping_rows, in_workers(engine, work, partial(_upload, day=day)), tables, day)
    report = run_increment(tables, bronze_target(limits), day, inputs, process, **pace)
    if tables.lot.is_last:
        settle_receipts(tables.at(WHOLE), day)
    if landing is None or landing.of(tables.lot).awaiting:
        clear_sent_ahead(tables.store, day, lot=tables.lot)
    return report


def bronze_target(limits: InspectParams) -> Target:
    """What is wanted of `bronze_images`."""
    backing = Backing("raw_path", ("sha256",), _is_still_landed)
    return Target(BRONZE_IMAGES, bronze_recipe(limits), key="source_uri", backing=backing)


def bronze_inputs(tables: ParquetTables, day: date, landing: LandingZone | None = None) -> pl.DataFrame:
    """The uploads of a day, those that have left the landing zone included."""
    landed = landing.of(tables.lot) if landing else list_landing(tables.store, day, tables.lot)
    return pl.DataFrame(list(_uploads(tables, day, landed)), schema=_INPUTS)


def bronze_recipe(limits: InspectParams) -> Recipe:
    """What decides a bronze row besides the file: limits, readable formats and code."""
    return Recipe({"code": _CODE_VERSION, "limits": asdict(limits), "formats": sorted(ALLOWED_FORMATS)})


def _is_still_landed(store: ObjectStore, row: Mapping[str, Any]) -> bool:
    """Whether the upload has the bytes that bronze lost."""
    try:
        read_verified(store, object_keys.key_of(SourceUri(row["item"])), row["sha256"])
    except ImageError:
        return False
    return True


def _keeping_rows(process: Process, tables: ParquetTables, day: date, items: Iterator[Item]) -> Generator[Outcome]:
    """A row stays as it is while nothing can be read in its place: its original is lost, or its upload has gone."""
    with closing(process(items)) as outcomes:
        for outcome in outcomes:
            yield _as_it_was(tables, day, outcome) if _is_lost(outcome) else outcome


def _is_lost(outcome: Outcome) -> bool:
    is_unreadable = isinstance(outcome, Failed) and outcome.error.reason == RejectionReason.UNREADABLE
    return is_unreadable and outcome.item.row["ingested_sha256"] is not None


def _as_it_was(tables: ParquetTables, day: date, outcome: Outcome) -> Outcome:
    where = pl.col("source_uri") == pl.lit(outcome.item.row["source_uri"])
    found = [tables.scan_files([key], where=where).to_dicts() for key in _files(tables, BRONZE_IMAGES, day)]
    row = max((row for rows in found for row in rows), key=lambda row: row["processed_at"], default={})
    known = {"source_uri", *GIVEN}
    columns = {name: column for name, column in BRONZE_IMAGES.schema.columns().items() if name not in known}
    if not all(name in row or column.nullable for name, column in columns.items()):
        return outcome
    if isinstance(outcome, Failed):
        _log.warning(
            "%s keeps its row, its upload cannot be read: %s", outcome.item.row["source_uri"], outcome.error.detail
        )
    return Done(outcome.item, {BRONZE_IMAGES.name: {name: row.get(name) for name in columns}})


_INSTANT = pl.Datetime("us", "UTC")
_INPUTS = {
    "source_uri": pl.String,
    "input_version": pl.String,
    "size_bytes": pl.UInt64,
    "read_uri": pl.String,
    "subject": pl.String,
    "accepted": pl.String,
    "original_uri": pl.String,
    "sidecar_uri": pl.String,
    "registered": pl.String,
    "ingested_sha256": pl.String,
    "ingested_at": _INSTANT,
    **{name: _INSTANT if "uploaded_at" in name else pl.String for name in (*_TOLD, *_SAID_BEFORE.values())},
}


def _upload(item: Item, day: date) -> Upload:
    row: Mapping[str, Any] = item.row
    return Upload(
        key=row["source_uri"],
        version=row["input_version"],
        day=day,
        read_key=object_keys.key_of(row["read_uri"]),
        size_bytes=row["size_bytes"],
        told={name: row[name] for name in _TOLD},
        said_before={name: row[before] for name, before in _SAID_BEFORE.items() if row[before] is not None},
        sidecar_uri=row["sidecar_uri"],
        ingested=(row["ingested_sha256"], row["ingested_at"]) if row["ingested_sha256"] else None,
        original=object_keys.key_of(row["original_uri"]) if row["original_uri"] else None,
        subject=row["subject"],
        accepted=row["accepted"],
        registered=row["registered"],
    )


def _uploads(tables: ParquetTables, day: date, landing: LandingDay) -> Iterator[dict[str, object]]:
    """Rows of `_INPUTS`, without what is null; keys need not be valid text, a column of a frame must be."""
    acceptances = read_acceptances(tables.store, day)
    rows = _stored(tables, BRONZE_IMAGES, day, ["raw_path", "sha256", "ingested_at", *_TOLD])
    rejected = _stored(tables, rejections_of(BRONZE_IMAGES), day, [])
    left_behind = find_left_behind(tables.store, landing, rows.keys() | rejected.keys())
    for file in landing.files:
        if file.source_uri not in left_behind:
            yield _listed(file, rows.get(file.source_uri), acceptances.get(file.source_uri))
    listed = landing.sidecars.union(landing.passed_over, landing.awaiting, (file.source_uri for file in landing.files))
    for uri, row in rows.items():
        if uri not in listed:
            original_uri = _original_uri(row)
            told = {name: row[name] for name in _TOLD}
            yield {**_remembered(row), "read_uri": original_uri, **_ingested(row, original_uri), **told}
    for uri, row in rejected.items():
        if uri not in listed and uri not in rows:
            yield {**_remembered(row), "read_uri": uri}


def _stored(tables: ParquetTables, table: Table, day: date, columns: list[str]) -> dict[SourceUri, dict[str, Any]]:
    """The newest row of each source, committed or in a chunk, whatever recipe or schema made it."""
    names = ["source_uri", "input_version", "size_bytes", "processed_at", *columns]
    rows: list[dict[str, Any]] = []
    for key in _files(tables, table, day):
        found = tables.scan_files([key])
        found = found.with_columns(pl.lit(None).alias(name) for name in names if name not in found.columns)
        rows += found.select(names).to_dicts()
    return {row["source_uri"]: row for row in sorted(rows, key=lambda row: row["processed_at"])}


def _files(tables: ParquetTables, table: Table, day: date) -> list[ObjectKey]:
    """The committed files and the chunks."""
    return [*tables.keys(table.name, day), *checkpoints_of(tables, table, day)]


def _listed(file: LandingFile, row: Mapping[str, Any] | None, word: Acceptance | None) -> dict[str, object]:
    own = version_of(file.version)
    accepted = word.subject if word and word.is_accepted else None
    version = version_of(own, accepted) if accepted else own
    is_unchanged = row is not None and row["input_version"] == version
    # A manifest says what is told of its files for as long as it is there.
    says_more = file.sidecar_uri or file.registered
    return {
        "source_uri": file.source_uri,
        "input_version": version,
        "size_bytes": file.size_bytes,
        "read_uri": file.source_uri,
        "subject": version_of(file.source_uri, own),
        "accepted": accepted,
        "sidecar_uri": file.sidecar_uri,
        "registered": file.registered,
        **(_ingested(row, _original_uri(row) if is_unchanged else None) if row else {}),
        **({before: row[name] for name, before in _SAID_BEFORE.items()} if row and not says_more else {}),
        "label": file.label,
        "user_id": file.folder_user,
        "uploaded_at": file.modified_at,
        "raw_name": file.name,
    }


def _remembered(row: Mapping[str, Any]) -> dict[str, object]:
    return {name: row[name] for name in ("source_uri", "input_version")} | {"size_bytes": row["size_bytes"] or 0}


def _ingested(row: Mapping[str, Any], original_uri: SourceUri | None) -> dict[str, object]:
    """What bronze has under this source; rows of older shapes do not say since when."""
    if not row["sha256"] or not row["ingested_at"]:
        return {}
    return {"ingested_sha256": row["sha256"], "ingested_at": row["ingested_at"], "original_uri": original_uri}


def _original_uri(row: Mapping[str, Any]) -> SourceUri:
    return object_keys.source_uri_of(ObjectKey(str(row["raw_path"])))
