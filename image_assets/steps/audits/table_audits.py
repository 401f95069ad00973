"""Whether every file of every table reads to its end and obeys its schema."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from image_assets.errors import ObjectNotFoundError, TableError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.tables.predictions import IMAGE_PREDICTIONS, predictions_table
from image_assets.tables.rejections import rejections_table
from image_assets.tables.table import Table

_OF_MANY = {rejections_table("x").name.split("/")[0]: rejections_table, IMAGE_PREDICTIONS: predictions_table}
"""Tables of one shape below one folder."""


@dataclass(frozen=True, slots=True)
class TableAudit:
    """How many files were read, and what is wrong with which, one line each, with the remedy."""

    files: int
    problems: tuple[str, ...]


def audit_tables(tables: ParquetTables, known: Sequence[Table]) -> TableAudit:
    """Read all columns of all files; checkpoints are passed over, because a run drops those that are damaged.

    Args:
        tables: the lake's tables.
        known: whose rows are held against their schema while they have its columns; former shapes are made anew.
    """
    found = (info.key for info in tables.store.list(object_keys.TABLES) if info.key.endswith(".parquet"))
    keys = [key for key in found if object_keys.CHECKPOINTS not in key.split("/")]
    schemas = {table.name: table for table in known}
    return TableAudit(len(keys), tuple(problem for key in keys for problem in _problems(tables, schemas, key)))


def _problems(tables: ParquetTables, schemas: Mapping[str, Table], key: ObjectKey) -> Iterator[str]:
    table = _table_of(schemas, key)
    try:
        if table and list(tables.file_schema(key)) == table.schema.column_names():
            tables.read_file(key, table, object_keys.day_of(key))
        else:
            tables.scan_files([key])
    except ObjectNotFoundError:
        # Replaced or deleted meanwhile.
        return
    except TableError as error:
        yield str(error)


def _table_of(schemas: Mapping[str, Table], key: ObjectKey) -> Table | None:
    name = object_keys.table_of(key)
    family, _, member = name.partition("/")
    return _OF_MANY[family](member) if family in _OF_MANY else schemas.get(name)
