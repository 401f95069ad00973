"""SELECT over the tables, for whoever asks: the database can open no file, so no query reads or writes one."""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl
import polars.selectors as cs
import pyarrow as pa
from pyarrow import dataset, parquet

from image_assets.errors import TableError
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.tables.table import Table

# What DuckDB takes before the statement that it explains.
_EXPLAIN = re.compile(r"\s*EXPLAIN(\s+ANALYZE)?(\s*\([^()]*\)(?=\s*[A-Z]))?", re.IGNORECASE)
_OFFLINE = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
_FIRST_DAY, _LAST_DAY = ((day - date(1970, 1, 1)).days for day in (date.min, date.max))
_REFUSED = "the lake is read with SELECT; nothing else is run"


@dataclass(frozen=True, slots=True)
class View:
    """A table that is put together when it is asked for.

    Attributes:
        name: of the view.
        sql: a SELECT over tables and over `rows`.
        rows: by name, what no table of the lake has.
    """

    name: str
    sql: str
    rows: Mapping[str, pl.DataFrame]


@contextmanager
def open_lake(
    tables: ParquetTables, schemas: Sequence[Table], views: Sequence[View] = ()
) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory database with one view per table, of the files that are there when it is opened.

    DuckDB never learns where the files are: Arrow reads them for it. It may open no file but those of a scratch folder
    of its own, finds no variable of this program, and its settings are locked: COPY, which a WITH clause of a SELECT
    may hold, has nowhere to write to.
    """
    with tempfile.TemporaryDirectory(prefix="image-assets-") as scratch, closing(_locked(scratch)) as database:
        with _explained("the tables cannot be read; `image-assets doctor` names files that are damaged"):
            for table in schemas:
                database.register(_view_of(table), arrow_rows(tables, table))
            for view in views:
                for name, rows in view.rows.items():
                    database.register(name, rows)
                database.execute(f'CREATE VIEW "{view.name}" AS {view.sql}')
        yield database


def query(tables: ParquetTables, schemas: Sequence[Table], sql: str, views: Sequence[View] = ()) -> pl.DataFrame:
    """Rows of a query over the views; `TableError` with DuckDB's words when it fails."""
    known = [*map(_view_of, schemas), *(view.name for view in views)]
    with open_lake(tables, schemas, views) as database, _explained("the query failed"), _told_tables(known):
        _refuse_all_but_reading(database, sql)
        rows: pl.DataFrame = database.sql(sql).pl()
    _refuse_far_times(rows)
    return rows


def _refuse_far_times(rows: pl.DataFrame) -> None:
    """DuckDB knows infinity and the year 290000; Python and Polars panic when they are to show it."""
    for column in rows.select(cs.date() | cs.datetime()):
        days = column.cast(pl.Date).to_physical()
        if not days.drop_nulls().is_between(_FIRST_DAY, _LAST_DAY).all():
            raise TableError(f"{column.name} has times beyond the years 1 to 9999: ask for {column.name}::text")


def _locked(scratch: str) -> duckdb.DuckDBPyConnection:
    database = duckdb.connect(config={**_OFFLINE, "temp_directory": scratch, "python_enable_replacements": "false"})
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")
    return database


def _refuse_all_but_reading(database: duckdb.DuckDBPyConnection, sql: str) -> None:
    statements = database.extract_statements(sql)
    if not statements or not all(_is_reading(database, statement) for statement in statements):
        raise TableError(_REFUSED)


def _is_reading(database: duckdb.DuckDBPyConnection, statement: duckdb.Statement) -> bool:
    if statement.type != duckdb.StatementType.EXPLAIN:
        return statement.type == duckdb.StatementType.SELECT
    head = _EXPLAIN.match(statement.query)
    return head is not None and _is_select(database, statement.query[head.end() :])


def _is_select(database: duckdb.DuckDBPyConnection, sql: str) -> bool:
    try:
        return [each.type for each in database.extract_statements(sql)] == [duckdb.StatementType.SELECT]
    except duckdb.Error:
        return False


def _view_of(table: Table) -> str:
    return table.name.split("/")[0]


def arrow_rows(tables: ParquetTables, table: Table) -> pl.DataFrame | dataset.Dataset:
    """All files of a table under the columns of all of them; no rows while there is no file."""
    files, system = tables.files(table.name), tables.store.file_system
    if not files:
        return table.no_rows
    paths = [tables.store.uri(key).rpartition("://")[2] for key in files]
    shapes = [pa.schema([_plain(field) for field in parquet.read_schema(path, filesystem=system)]) for path in paths]
    shape = pa.unify_schemas(shapes, promote_options="permissive")
    return dataset.dataset(paths, schema=shape, format="parquet", filesystem=system)


def _plain(field: pa.Field) -> pa.Field:
    """Values of an enumeration as text: another day may know others."""
    return field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field


@contextmanager
def _told_tables(known: Sequence[str]) -> Iterator[None]:
    """Who asked for what there is not learns what there is."""
    try:
        yield
    except duckdb.CatalogException as error:
        raise TableError(f"the query failed: {error}\nTables: {', '.join(sorted(known))}") from error


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, pa.ArrowException, pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        # Dates beyond those of Polars, intervals and unions: its reader even panics.
        raise TableError(f"{what}: {error}") from error
