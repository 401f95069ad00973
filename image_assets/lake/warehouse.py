"""DuckDB over the lake: views on the Parquet files, in memory or as a file that any client can open."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import duckdb
import polars as pl

from image_assets.errors import TableError
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.tables.table import Table

_OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


@contextmanager
def open_lake(tables: ParquetTables, schemas: Sequence[Table]) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory database with one view per table; always as fresh as the files."""
    with closing(duckdb.connect(config=_OFFLINE)) as database:
        for table in schemas:
            _define(database, tables, table, is_copy=False)
        yield database


def query(tables: ParquetTables, schemas: Sequence[Table], sql: str) -> pl.DataFrame:
    """Rows of a query over the views; `TableError` with DuckDB's words when it fails."""
    with open_lake(tables, schemas) as database:
        try:
            relation = database.sql(sql)
            if relation is None:
                raise TableError("the statement returns no rows: the lake is read with SELECT")
            rows: pl.DataFrame = relation.pl()
            return rows
        except duckdb.Error as error:
            raise TableError(f"the query failed: {error}") from error


def refresh_warehouse(tables: ParquetTables, views: Sequence[Table], copies: Sequence[Table]) -> bool:
    """Replace `warehouse.duckdb` by views on all tables and copies of some, unless nothing changed; say whether.

    It is built aside and renamed, so that a client that has it open keeps reading the former one.
    """
    version, store = _version(tables, views), tables.store
    known = store.exists(object_keys.WAREHOUSE) and store.exists(object_keys.WAREHOUSE_VERSION)
    if known and store.read(object_keys.WAREHOUSE_VERSION) == version:
        return False
    with store.writing(object_keys.WAREHOUSE) as path:
        with closing(duckdb.connect(os.fspath(path), config=_OFFLINE)) as database:
            for table in views:
                _define(database, tables, table, is_copy=table in copies)
    store.write(object_keys.WAREHOUSE_VERSION, version)
    return True


def _version(tables: ParquetTables, views: Sequence[Table]) -> bytes:
    """Changes with any table file, any schema and DuckDB itself."""
    files = [
        (info.key, info.version) for table in views for info in tables.store.list(f"{object_keys.TABLES}/{table.name}")
    ]
    facts = (duckdb.__version__, [(table.name, table.fingerprint) for table in views], files)
    return hashlib.sha256(repr(facts).encode()).hexdigest().encode()


def _define(database: duckdb.DuckDBPyConnection, tables: ParquetTables, table: Table, *, is_copy: bool) -> None:
    """A view on the day files, or a table: a copy of them, or an empty one while there is no day yet."""
    name = f'"{table.name.split("/")[0]}"'
    kind = "VIEW" if tables.days(table.name) and not is_copy else "TABLE"
    if tables.days(table.name):
        glob = tables.store.uri(f"{object_keys.TABLES}/{table.name}/*.parquet")
        source = f"SELECT {_columns(table)} FROM read_parquet({_text(glob)}, union_by_name = true)"  # noqa: S608 - names of ours
    else:
        database.register("no_rows", table.schema.create_empty())
        source = "FROM no_rows"
    database.execute(f"CREATE {kind} {name} AS {source}")
    database.execute(f"COMMENT ON {kind} {name} IS {_text(table.description)}")
    for column_name, column in table.schema.columns().items():
        comment = _text(column.description or "")
        database.execute(f'COMMENT ON COLUMN {name}."{column_name}" IS {comment}')


def _columns(table: Table) -> str:
    return ", ".join(_column(name, column.dtype) for name, column in table.schema.columns().items())


def _column(name: str, dtype: pl.DataType) -> str:
    # Parquet forgets that a list has a fixed size; only a fixed size has vector functions in DuckDB.
    if isinstance(dtype, pl.Array):
        return f'"{name}"::FLOAT[{dtype.size}] AS "{name}"'
    return f'"{name}"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
