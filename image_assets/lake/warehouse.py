"""DuckDB over the lake as a file that any client can open: views on the Parquet files, and copies of some."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import duckdb
import polars as pl

from image_assets.errors import StoreUnavailableError, TableError
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.sql import arrow_rows
from image_assets.tables.table import Table

_OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        if "no space" in str(error).lower():
            raise StoreUnavailableError(f"{what}: {error}; free some space and run again") from error
        raise TableError(f"{what}: {error}; `image-assets doctor` names files that are damaged") from error


def refresh_warehouse(tables: ParquetTables, views: Sequence[Table], copies: Sequence[Table]) -> bool:
    """Replace `warehouse.duckdb` by views on all tables and copies of some, unless nothing changed; say whether.

    It is built aside and renamed, so that a client that has it open keeps reading the former one.
    """
    version, store = _version(tables, views, copies), tables.store
    known = store.exists(object_keys.WAREHOUSE) and store.exists(object_keys.WAREHOUSE_VERSION)
    if known and store.read(object_keys.WAREHOUSE_VERSION) == version:
        return False
    with (
        store.writing(object_keys.WAREHOUSE) as path,
        _explained("the warehouse cannot be built"),
        closing(duckdb.connect(os.fspath(path), config=_OFFLINE)) as database,
    ):
        for table in views:
            _define(database, tables, table, is_copy=table in copies)
        # Closing alone would swallow that the disk is full.
        database.execute("CHECKPOINT")
    store.write(object_keys.WAREHOUSE_VERSION, version)
    return True


def _version(tables: ParquetTables, views: Sequence[Table], copies: Sequence[Table]) -> bytes:
    """Changes with any table file, any schema, the place of the lake, and DuckDB itself."""
    files = [
        (info.key, info.version) for table in views for info in tables.store.list(f"{object_keys.TABLES}/{table.name}")
    ]
    shapes = [(table.name, table.fingerprint, table in copies) for table in views]
    facts = (duckdb.__version__, tables.store.uri(object_keys.TABLES), shapes, files)
    return hashlib.sha256(repr(facts).encode()).hexdigest().encode()


def _define(database: duckdb.DuckDBPyConnection, tables: ParquetTables, table: Table, *, is_copy: bool) -> None:
    """A view on the day files, or a table: a copy of them, or an empty one while there is no day yet.

    Whoever opens the file has no access to a cloud: of a lake there everything is copied.
    """
    name = f'"{table.name.split("/")[0]}"'
    is_there, is_away = bool(tables.files(table.name)), "://" in tables.store.uri(object_keys.TABLES)
    kind = "VIEW" if is_there and not (is_copy or is_away) else "TABLE"
    if is_there and is_away:
        database.register("all_rows", arrow_rows(tables, table))
        source = f"SELECT * {_fixed_sizes(table)} FROM all_rows"  # noqa: S608 - names of ours
    elif is_there:
        glob = tables.store.uri(f"{object_keys.TABLES}/{table.name}/**/*.parquet")
        source = f"SELECT * {_fixed_sizes(table)} FROM read_parquet({_text(glob)}, union_by_name = true)"  # noqa: S608 - names of ours
    else:
        database.register("no_rows", table.no_rows)
        source = "FROM no_rows"
    database.execute(f"CREATE {kind} {name} AS {source}")
    database.execute(f"COMMENT ON {kind} {name} IS {_text(table.description)}")
    # Days of an older shape may lack a column.
    present = set(database.table(name).columns)
    for column_name, column in table.schema.columns().items():
        if column_name in present:
            comment = _text(column.description or "")
            database.execute(f'COMMENT ON COLUMN {name}."{column_name}" IS {comment}')


def _fixed_sizes(table: Table) -> str:
    """Parquet forgets that a list has a fixed size; only a fixed size has vector functions in DuckDB."""
    arrays = {
        name: column.dtype for name, column in table.schema.columns().items() if isinstance(column.dtype, pl.Array)
    }
    casts = [f'"{name}"::FLOAT[{dtype.size}] AS "{name}"' for name, dtype in arrays.items()]
    return f"REPLACE ({', '.join(casts)})" if casts else ""


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
