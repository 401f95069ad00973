"""Finished chunks of interrupted runs: worth keeping while they can be read, and nothing that a run depends on."""

import logging
from datetime import date

from image_assets.errors import TableError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.tables.table import Table

_log = logging.getLogger(__name__)


def checkpoints_of(tables: ParquetTables, table: Table, day: date) -> tuple[ObjectKey, ...]:
    """A table's chunks of a day that can be opened."""
    found = tables.store.list(object_keys.checkpoint_prefix(table.name, day, tables.lot))
    return tuple(info.key for info in found if tables.is_parquet(info.key))


def sound_checkpoints(tables: ParquetTables, table: Table, day: date) -> tuple[ObjectKey, ...]:
    """A table's chunks of a day that read to their end as its rows; others are deleted: their rows are made again.

    Raises `ObjectNotFoundError` when another run has committed one since they were listed.
    """
    found = [info.key for info in tables.store.list(object_keys.checkpoint_prefix(table.name, day, tables.lot))]
    return tuple(key for key in found if _is_sound(tables, key, table, day))


def _is_sound(tables: ParquetTables, key: ObjectKey, table: Table, day: date) -> bool:
    try:
        tables.read_file(key, table, day)
    except TableError as error:
        _log.warning("%s is dropped, its rows are computed again: %s", key, error)
        tables.store.delete(key)
        return False
    return True
