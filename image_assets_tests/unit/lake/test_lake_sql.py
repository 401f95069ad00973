"""What a query over the lake may do, and the many ways in which one may try to do more."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from image_assets.errors import TableError
from image_assets.ids import ObjectKey
from image_assets.lake.object_keys import WAREHOUSE, table_key
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.sql import open_lake, query
from image_assets.lake.warehouse import refresh_warehouse
from image_assets.tables.table import Table

Priced = Callable[..., pl.DataFrame]
DAY = date(2026, 10, 1)


@pytest.fixture
def filled(tables: ParquetTables, prices: Table, priced: Priced) -> ParquetTables:
    """A day of prices, an upload with a sidecar, and a warehouse."""
    tables.replace(prices, DAY, priced(hat=100, shoe=250))
    tables.store.write(ObjectKey("landing/2026-10-01/anna/a.jpg.json"), b'{"label": "private"}')
    refresh_warehouse(tables, [prices], [prices])
    return tables


def bytes_of(tables: ParquetTables) -> dict[str, bytes]:
    root = Path(tables.store.uri(WAREHOUSE)).parent
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


REFUSED = [
    "DELETE FROM prices",
    "UPDATE prices SET cents = 1",
    "INSERT INTO prices SELECT * FROM prices",
    "MERGE INTO prices USING prices AS other ON true WHEN MATCHED THEN DELETE",
    "TRUNCATE prices",
    "DROP VIEW prices",
    "CREATE OR REPLACE VIEW prices AS SELECT 1 AS cents",
    "CREATE TEMP TABLE other AS SELECT 1",
    "CREATE SECRET (TYPE s3)",
    "COMMENT ON VIEW prices IS 'x'",
    "COPY (SELECT 1 AS cents) TO '{file}' (FORMAT parquet)",
    "COPY prices FROM '{file}' (FORMAT parquet)",
    "COPY FROM DATABASE memory TO other",
    "SELECT 1; COPY (SELECT 1 AS cents) TO '{file}' (FORMAT parquet)",
    "SELECT ';'; /* ; */ COPY (SELECT 1 AS cents) TO '{file}' (FORMAT parquet)",
    "EXPLAIN COPY (SELECT 1 AS cents) TO '{file}' (FORMAT parquet)",
    "EXPLAIN ANALYZE COPY (SELECT 1 AS cents) TO '{file}' (FORMAT parquet)",
    "explain/**/analyze\tcopy (SELECT 1 AS cents) TO '{file}' (FORMAT parquet)",
    "EXPLAIN -- SELECT\nANALYZE COPY (SELECT 1 AS cents) TO '{file}' (FORMAT parquet)",
    "EXPLAIN (ANALYZE) COPY (SELECT 1 AS cents) TO '{file}' (FORMAT parquet)",
    "EXPLAIN (ANALYZE, FORMAT json) COPY (SELECT 1 AS cents) TO '{file}' (FORMAT parquet)",
    "EXPLAIN ANALYZE CREATE TABLE other AS SELECT 1",
    "EXPLAIN ANALYZE DROP VIEW prices",
    "SELECT 1; EXPLAIN ANALYZE COPY (SELECT 1 AS cents) TO '{file}' (FORMAT parquet)",
    "ATTACH '{file}' AS other",
    "ATTACH '{warehouse}' AS other (READ_ONLY)",
    "DETACH memory",
    "USE memory",
    "SET memory_limit = '1GB'",
    "SET enable_external_access = true",
    "RESET lock_configuration",
    "PRAGMA enable_external_access = true",
    "PRAGMA database_list",
    "SET VARIABLE x = 1",
    "EXPORT DATABASE '{folder}/export'",
    "IMPORT DATABASE '{folder}'",
    "INSTALL httpfs",
    "LOAD json",
    "FORCE INSTALL httpfs FROM 'http://localhost:1'",
    "CALL checkpoint()",
    "CALL import_database('{folder}')",
    "CHECKPOINT",
    "VACUUM",
    "PREPARE x AS SELECT 1",
    "EXECUTE x",
    "BEGIN",
    " ",
    "-- only a comment",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_whatever_is_no_select_is_refused_and_leaves_the_lake_as_it_was(
    filled: ParquetTables, prices: Table, sql: str
) -> None:
    before = bytes_of(filled)
    with pytest.raises(TableError, match=r"SELECT; nothing else is run|syntax error"):
        query(filled, [prices], _placed(filled, prices, sql))
    assert bytes_of(filled) == before
    assert query(filled, [prices], "SELECT cents FROM prices").height == 2


FAILING = [
    "WITH x AS (COPY prices TO '{file}' (FORMAT parquet)) FROM x",
    "WITH x AS MATERIALIZED (COPY prices TO '{folder}/new.parquet') FROM x",
    "EXPLAIN ANALYZE WITH x AS (COPY prices TO '{file}' (FORMAT parquet)) FROM x",
    "WITH x AS (COPY (SELECT 1) TO '/dev/stdout') FROM x",
    "WITH x AS (DELETE FROM prices RETURNING *) FROM x",
    "FROM query('COPY prices TO ''{file}''')",
    "FROM query('WITH x AS (COPY prices TO ''{file}'') FROM x')",
    "FROM '{file}'",
    "FROM read_parquet('{file}')",
    "FROM read_parquet('{folder}/**')",
    "FROM parquet_metadata('{file}')",
    "FROM read_text('{sidecar}')",
    "FROM read_text('file://{sidecar}')",
    "FROM read_text('{folder}/../../landing/2026-10-01/anna/a.jpg.json')",
    "FROM read_blob(['{sidecar}'])",
    "FROM read_json('{sidecar}')",
    "FROM read_csv('{sidecar}')",
    "FROM sniff_csv('{sidecar}')",
    "FROM read_duckdb('{warehouse}')",
    "FROM glob('{folder}/**')",
    "FROM glob('/*')",
    "FROM read_text('/etc/passwd')",
    "FROM read_text('/proc/self/environ')",
    "FROM read_csv('/dev/stdin')",
    "FROM '~/.netrc'",
    "FROM duckdb_secrets()",
    "FROM read_csv('https://localhost:1/x.csv')",
    "FROM read_parquet('s3://bucket/x.parquet')",
    "FROM enable_logging('QueryLog', storage := 'file')",
    "FROM enable_profiling(save_location := '{folder}/profile')",
    "FROM json_execute_serialized_sql(json_serialize_sql('COPY prices TO ''{file}'''))",
    "SELECT getenv('HOME')",
    "FROM tables",
    "FROM database",
]


@pytest.mark.parametrize("sql", FAILING)
def test_a_select_reads_and_writes_no_file_of_its_own_choice(filled: ParquetTables, prices: Table, sql: str) -> None:
    before = bytes_of(filled)
    with pytest.raises(TableError, match="the query failed"):
        query(filled, [prices], _placed(filled, prices, sql))
    assert bytes_of(filled) == before


READING = [
    "SELECT count(*) FROM prices",
    "FROM prices",
    "TABLE prices",
    "VALUES (1)",
    "WITH x AS (SELECT * FROM prices) SELECT * FROM x",
    "SELECT 1; SELECT 2",
    "SELECT 1;",
    "DESCRIBE prices",
    "SUMMARIZE prices",
    "SHOW TABLES",
    "/* EXPLAIN */ FROM prices",
    "EXPLAIN SELECT * FROM prices",
    "EXPLAIN ANALYZE SELECT * FROM prices",
    "EXPLAIN (FORMAT json) SELECT * FROM prices",
    "EXPLAIN (SELECT 1)",
    "explain\nfrom prices",
    "SELECT 'COPY x TO y; DROP VIEW prices'",
]


@pytest.mark.parametrize("sql", READING)
def test_whatever_only_reads_is_run(filled: ParquetTables, prices: Table, sql: str) -> None:
    assert query(filled, [prices], sql).height


@pytest.mark.parametrize(
    "sql",
    ["select union_value(a := 1)", "select interval 1 month"],
)
def test_values_that_no_frame_can_hold_are_an_error_and_no_trace(
    filled: ParquetTables, prices: Table, sql: str
) -> None:
    with pytest.raises(TableError, match="the query failed"):
        query(filled, [prices], sql)


@pytest.mark.parametrize("sql", ["SET enable_external_access = true", "SET lock_configuration = false"])
def test_who_holds_the_database_cannot_open_it_to_files_again(filled: ParquetTables, prices: Table, sql: str) -> None:
    with open_lake(filled, [prices]) as database, pytest.raises(duckdb.Error, match=r"locked|configuration"):
        database.execute(sql)


def test_a_query_leaves_no_file_where_it_was_run(
    filled: ParquetTables, prices: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    query(filled, [prices], "FROM prices ORDER BY name")
    assert list(Path().iterdir()) == []


def test_days_with_other_values_of_an_enumeration_are_read_together(
    filled: ParquetTables, prices: Table, priced: Priced
) -> None:
    with filled.store.writing(table_key(prices.name, date(2026, 10, 2))) as file:
        older = priced(tie=5).with_columns(kind=pl.lit("unheard of", dtype=pl.Enum(["unheard of"])))
        older.write_parquet(file)
    kinds = query(filled, [prices], "SELECT DISTINCT kind FROM prices WHERE name = 'tie'")
    assert kinds.rows() == [("unheard of",)]


def _placed(tables: ParquetTables, prices: Table, sql: str) -> str:
    file = tables.store.uri(table_key(prices.name, DAY))
    places = {
        "{file}": file,
        "{folder}": str(Path(file).parent),
        "{sidecar}": tables.store.uri("landing/2026-10-01/anna/a.jpg.json"),
        "{warehouse}": tables.store.uri(WAREHOUSE),
    }
    for mark, place in places.items():
        sql = sql.replace(mark, place)
    return sql


FAR_TIMES = ["'infinity'::date", "'-infinity'::timestamp", "date '50000-01-01'", "'infinity'::timestamptz"]


@pytest.mark.parametrize("time", FAR_TIMES)
def test_times_that_nothing_can_show_are_refused_with_a_way_out(
    filled: ParquetTables, prices: Table, time: str
) -> None:
    with pytest.raises(TableError, match="ask for at::text"):
        query(filled, [prices], f"select {time} as at")
    assert query(filled, [prices], f"select ({time})::text as at").height == 1


def test_the_first_and_the_last_day_that_python_knows_can_be_asked_for(filled: ParquetTables, prices: Table) -> None:
    times = "date '0001-01-01' as a, timestamp '9999-12-31 23:59:59' as b, null::date as c"
    rows = query(filled, [prices], f"select {times}")
    assert rows.row(0) == (date(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59), None)


def test_a_query_of_an_unknown_table_is_told_which_there_are(filled: ParquetTables, prices: Table) -> None:
    with pytest.raises(TableError, match="Tables: prices"):
        query(filled, [prices], "from price_list")
