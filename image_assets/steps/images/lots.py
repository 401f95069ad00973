"""Into how many lots a day is cut: decided once, before the first of its rows is kept, and the same for ever."""

import math
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final

from pydantic import Field

from image_assets.errors import ObjectChangedError, ObjectNotFoundError, TableError
from image_assets.lake import object_keys
from image_assets.lake.lots import MOST_LOTS, WHOLE, Lot, lot_named, lots_of
from image_assets.lake.object_store import ObjectInfo
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.records import read_record, write_record
from image_assets.steps.images.registered import count_registered, is_manifest
from image_assets.tables.images import BRONZE_IMAGES

LOT_IMAGES: Final = 10_000
"""About so many images are held in memory at a time, with all that a step says of them."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How a day is cut."""

    lots: Annotated[int, Field(ge=1, le=MOST_LOTS)]


def day_lots(tables: ParquetTables, day: date) -> tuple[Lot, ...]:
    """The lots of a day; a day that no run has begun is one."""
    return _known(tables, day) or (WHOLE,)


def lots_to_be(tables: ParquetTables, day: date, at_least: int = 1) -> tuple[Lot, ...]:
    """The lots of a day, or into which a run would cut it that began by now; nothing is decided. See `cut_day`."""
    return _known(tables, day) or lots_of(_wanted(tables, day, at_least))


def cut_day(tables: ParquetTables, day: date, at_least: int = 1) -> tuple[Lot, ...]:
    """Decide the lots of a day that no run has begun, by the files that are there; of any other say what was decided.

    Two runs that begin a day at once agree.

    Args:
        tables: the lake's tables.
        day: the partition.
        at_least: lots of a day to which far more files are expected than there are.
    """
    if known := _known(tables, day):
        return known
    with suppress(ObjectChangedError):
        write_record(tables.store, object_keys.lots_key(day), Cut(_wanted(tables, day, at_least)), over=None)
        tables.store.sync(object_keys.lots_key(day))
    return day_lots(tables, day)


def _known(tables: ParquetTables, day: date) -> tuple[Lot, ...]:
    """None of a day that no run has begun."""
    if tables.store.exists(object_keys.table_key(BRONZE_IMAGES.name, day)):
        return (WHOLE,)
    return _decided(tables, day)


def _wanted(tables: ParquetTables, day: date, at_least: int) -> int:
    # Chunks of a run that was cut off before days were cut into lots.
    if any(True for _ in tables.store.list(object_keys.checkpoint_prefix(BRONZE_IMAGES.name, day))):
        return 1
    listed, manifests = 0, list[ObjectInfo]()
    for info in tables.store.list(object_keys.landing_prefix(day)):
        if is_manifest(info, day):
            manifests.append(info)
        else:
            listed += 1
    files = listed + count_registered(tables.store, manifests)
    return min(MOST_LOTS, max(at_least, math.ceil(files / LOT_IMAGES)))


def _decided(tables: ParquetTables, day: date) -> tuple[Lot, ...]:
    key = object_keys.lots_key(day)
    try:
        cut = read_record(tables.store, key, Cut, TableError, f'write {{"lots": N}} as files below {_FOLDER} are named')
    except ObjectNotFoundError:
        return _as_files_say(tables, day)
    known = _as_files_say(tables, day)
    if known and len(known) != cut.lots:
        told = f"{tables.store.uri(key)} says {cut.lots} lots, and {_FOLDER} has files of {len(known)}"
        raise TableError(f'{told}: write {{"lots": {len(known)}}}', table=BRONZE_IMAGES.name, day=day, key=key)
    return lots_of(cut.lots)


def _as_files_say(tables: ParquetTables, day: date) -> tuple[Lot, ...]:
    """Of a day whose decision was lost: rows of uploads that are gone are in files of its lots alone."""
    prefixes = (each(BRONZE_IMAGES.name, day) for each in (object_keys.lots_prefix, object_keys.checkpoint_prefix))
    found = (info.key for prefix in prefixes for info in tables.store.list(prefix))
    named = (lot_named(part.removesuffix(".parquet")) for key in found for part in key.split("/"))
    return next((lots_of(lot.of) for lot in named if lot), ())


_FOLDER: Final = f"{object_keys.TABLES}/{BRONZE_IMAGES.name}"
