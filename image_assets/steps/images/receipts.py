"""Receipts: what is known of an upload from its answer until a run has taken it in."""

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import polars as pl

from image_assets.errors import ObjectNotFoundError, TableError
from image_assets.ids import ImageId, ObjectKey, Sha256, SourceUri
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.records import parsed_by, read_record, write_record
from image_assets.steps.images.landing import list_landing
from image_assets.steps.images.sidecar import read_sidecar
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import rejections_of

_DOOR = (BRONZE_IMAGES, rejections_of(BRONZE_IMAGES))
# A receipt is there a moment before its file.
_GRACE = timedelta(hours=1)
_log = logging.getLogger(__name__)

_REJECTED = ["image_id", "source_uri", "sha256", "size_bytes", "processed_at"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """An upload that was answered.

    Attributes:
        image_id: the one that bronze will give.
        day: the partition, in ISO 8601.
        source_uri: where it lies in the landing zone, percent-encoded.
        sha256: of the file.
        size_bytes: of the file.
        user_id: whose image it becomes.
        raw_name: what the user called it.
        label: what the user said that it shows, in its normal form.
        received_at: when, in ISO 8601.
    """

    image_id: ImageId
    day: Annotated[str, parsed_by(date.fromisoformat)]
    source_uri: SourceUri
    sha256: Sha256
    size_bytes: int
    user_id: str
    raw_name: str
    received_at: Annotated[str, parsed_by(datetime.fromisoformat)]
    label: str | None = None


def find_pending(store: ObjectStore, image_id: ImageId, days: Iterable[date]) -> Receipt | None:
    """The upload of this id, if it lies in the landing zone; a run may know it by now: ask the tables first.

    Args:
        store: the lake's objects.
        image_id: a UUID.
        days: on which it may have come, the likeliest first; each costs a look.
    """
    for day in days:
        key = object_keys.receipt_key(day, image_id)
        if store.exists(key):
            receipt = read_receipt(store, key)
            is_there = receipt is not None and store.exists(object_keys.key_of(receipt.source_uri))
            return receipt if is_there else None
    return None


def read_receipt(store: ObjectStore, key: ObjectKey) -> Receipt | None:
    """None for one that a power cut has damaged, or that was removed a moment ago: the upload does not need it."""
    try:
        return read_record(store, key, Receipt, TableError, "it is removed in an hour")
    except (TableError, ObjectNotFoundError) as error:
        _log.warning("%s", error)
        return None


def pending_ids(store: ObjectStore) -> set[ImageId]:
    """Ids of uploads that have receipts."""
    return {_id_of(info.key) for info in store.list(object_keys.RECEIPTS)}


def keep_receipts(tables: ParquetTables, items: Mapping[date, Collection[str]]) -> None:
    """Give rejected files of some days receipts again, before their rejections are forgotten: they wait for a run.

    What is not in the landing zone any more, or has no id, gets none.
    """
    for day, wanted in items.items():
        if not tables.exists(rejections_of(BRONZE_IMAGES), day):
            continue
        where = pl.col("item").is_in(list(wanted)) & pl.col("image_id").is_not_null() & pl.col("sha256").is_not_null()
        landed = {file.source_uri: file for file in list_landing(tables.store, day).files}
        for row in tables.scan(rejections_of(BRONZE_IMAGES), _REJECTED, [day], where).iter_rows(named=True):
            file = landed.get(row["source_uri"])
            if file is None:
                continue
            told = read_sidecar(tables.store, file.sidecar_uri)
            receipt = Receipt(
                image_id=row["image_id"],
                day=day.isoformat(),
                source_uri=row["source_uri"],
                sha256=row["sha256"],
                size_bytes=row["size_bytes"],
                user_id=told.user_id or file.folder_user or "",
                raw_name=told.raw_name or file.name,
                label=told.label,
                received_at=row["processed_at"].isoformat(),
            )
            write_record(tables.store, object_keys.receipt_key(day, receipt.image_id), receipt)


def receipt_days(store: ObjectStore) -> list[date]:
    """Days that have receipts."""
    found = {info.key.split("/")[1] for info in store.list(object_keys.RECEIPTS) if info.key.count("/") > 1}
    return [date.fromisoformat(day) for day in sorted(found)]


def settle_receipts(tables: ParquetTables, day: date, now: datetime | None = None) -> int:
    """Remove the receipts of a day's uploads that its tables know, or that were cut off; how many."""
    store = tables.store
    listed = list(store.list(object_keys.receipt_prefix(day)))
    if not listed:
        return 0
    known = {name for table in _DOOR for name in _column(tables, table.name, day, "image_id")}
    sources = {uri for table in _DOOR for uri in _column(tables, table.name, day, "source_uri")}
    before = (now or datetime.now(UTC)) - _GRACE
    settled = 0
    for info in listed:
        image_id = _id_of(info.key)
        if image_id in known or _is_over(store, info.key, sources, is_old=info.arrived_at < before):
            store.delete(info.key)
            settled += 1
    return settled


def _id_of(key: ObjectKey) -> ImageId:
    return ImageId(key.rpartition("/")[2].removesuffix(".json"))


def _column(tables: ParquetTables, table: str, day: date, name: str) -> Iterable[str]:
    return tables.read_column(table, day, name).drop_nulls()


def _is_over(store: ObjectStore, key: ObjectKey, sources: set[str], *, is_old: bool) -> bool:
    """Whether the file was refused before its bytes were read, or never came to be."""
    receipt = read_receipt(store, key)
    if receipt is None:
        return is_old
    return receipt.source_uri in sources or (is_old and not store.exists(object_keys.key_of(receipt.source_uri)))
