"""Finished chunks of interrupted runs: worth keeping while they can be read, and nothing that a run depends on."""

import logging
from datetime import date

from image_assets.errors import ObjectNotFoundError, TableError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.tables.table import Table

_log = logging.getLogger(__name__)


def checkpoints_of(tables: ParquetTables, table: Table, day: date) -> tuple[ObjectKey, ...]:
    """A table's chunks of a day that can be opened."""
    found = tables.store.list(object_keys.checkpoint_prefix(table.name, day))
    return tuple(info.key for info in found if tables.is_parquet(info.key))


def drop_damaged_checkpoints(tables: ParquetTables, table: Table, day: date) -> None:
    """Delete chunks that do not read to their end as rows of the table: their rows are computed again."""
    for info in list(tables.store.list(object_keys.checkpoint_prefix(table.name, day))):
        try:
            tables.read_file(info.key, table, day)
        except ObjectNotFoundError:
            _log.info("%s: another run has committed it", info.key)
        except TableError as error:
            _log.warning("%s is dropped, its rows are computed again: %s", info.key, error)
            tables.store.delete(info.key)
