from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from image_assets.errors import StoreUnavailableError, TableError
from image_assets.ids import ObjectKey
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.object_keys import WAREHOUSE, table_key
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.sql import open_lake, query
from image_assets.lake.warehouse import refresh_warehouse
from image_assets.tables.catalogue import TABLES
from image_assets.tables.embeddings import embeddings_table
from image_assets.tables.table import Table

Priced = Callable[..., pl.DataFrame]
DAY = date(2026, 10, 1)


@pytest.fixture
def filled(tables: ParquetTables, prices: Table, priced: Priced) -> ParquetTables:
    """Two days of prices."""
    tables.replace(prices, DAY, priced(hat=100, shoe=250))
    tables.replace(prices, DAY + timedelta(days=1), priced(tie=30).with_columns(day=DAY + timedelta(days=1)))
    return tables


@pytest.fixture
def vectors(tables: ParquetTables) -> Table:
    """A table with one vector of three numbers."""
    table = embeddings_table("tiny", 3)
    row = {
        "image_id": "00000000-0000-5000-8000-000000000000",
        "day": DAY,
        "embedding": [0.6, 0.8, 0.0],
        "input_version": "1",
        "recipe_version": "1",
        "processed_at": datetime(2026, 10, 1, tzinfo=UTC),
    }
    tables.replace(table, DAY, pl.DataFrame([row], schema={n: c.dtype for n, c in table.schema.columns().items()}))
    return table


@contextmanager
def opened(tables: ParquetTables) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(tables.store.uri(WAREHOUSE), read_only=True) as database:
        yield database


def files_below(tables: ParquetTables) -> dict[str, str]:
    return {info.key: info.version for info in tables.store.list("tables")}


def test_a_view_shows_all_days(filled: ParquetTables, prices: Table) -> None:
    rows = query(filled, [prices], "SELECT name FROM prices ORDER BY name")
    assert rows.get_column("name").to_list() == ["hat", "shoe", "tie"]


def test_a_view_is_as_fresh_as_the_files(filled: ParquetTables, prices: Table, priced: Priced) -> None:
    with open_lake(filled, [prices]) as database:
        filled.replace(prices, DAY, priced())
        assert database.execute("SELECT name FROM prices").fetchall() == [("tie",)]


def test_a_table_without_a_day_is_empty_and_has_its_columns(tables: ParquetTables) -> None:
    for table in TABLES:
        rows = query(tables, TABLES, f"SELECT * FROM {table.name}")
        assert rows.is_empty()
        assert rows.columns == table.schema.column_names()


def test_a_day_without_rows_can_be_queried(tables: ParquetTables, prices: Table, priced: Priced) -> None:
    tables.replace(prices, DAY, priced())
    assert query(tables, [prices], "SELECT count(*) AS n FROM prices").rows() == [(0,)]


def test_a_vector_has_a_fixed_size_so_that_duckdb_can_compare_it(tables: ParquetTables, vectors: Table) -> None:
    sql = "SELECT typeof(embedding), array_cosine_similarity(embedding, [1, 0, 0]::FLOAT[3]) FROM image_embeddings"
    ((kind, similarity),) = query(tables, [vectors], sql).rows()
    assert kind == "FLOAT[3]"
    assert similarity == pytest.approx(0.6)


def test_a_damaged_file_is_an_error_that_says_what_finds_it(filled: ParquetTables, prices: Table) -> None:
    Path(filled.store.uri(table_key(prices.name, DAY))).write_bytes(b"damaged")
    with pytest.raises(TableError, match="doctor"):
        query(filled, [prices], "SELECT 1")


def test_a_wrong_query_fails_in_the_words_of_duckdb(filled: ParquetTables, prices: Table) -> None:
    with pytest.raises(TableError, match=r'the query failed: .*"price" not found'):
        query(filled, [prices], "SELECT price FROM prices")


def test_an_unknown_table_is_named(filled: ParquetTables, prices: Table) -> None:
    with pytest.raises(TableError, match="nonsense does not exist"):
        query(filled, [prices], "SELECT * FROM nonsense")


def test_an_empty_statement_says_what_to_write(filled: ParquetTables, prices: Table) -> None:
    with pytest.raises(TableError, match="SELECT"):
        query(filled, [prices], " ")


def test_a_quote_in_the_path_of_the_lake_is_no_part_of_the_query(tmp_path: Path, prices: Table, priced: Priced) -> None:
    tables = ParquetTables(LocalObjectStore(tmp_path / 'Anna\'s "lake"; drop'))
    tables.replace(prices, DAY, priced(hat=100))
    assert query(tables, [prices], "SELECT cents FROM prices").rows() == [(100,)]


def test_any_client_opens_the_warehouse(filled: ParquetTables, prices: Table) -> None:
    refresh_warehouse(filled, [*TABLES, prices], [])
    with opened(filled) as database:
        names = {name for (name,) in database.execute("SHOW TABLES").fetchall()}
        assert database.execute("SELECT sum(cents) FROM prices").fetchall() == [(380,)]
    assert names == {"prices", *(table.name for table in TABLES)}


def test_a_warehouse_of_an_unchanged_lake_is_not_built_again(filled: ParquetTables, prices: Table) -> None:
    assert refresh_warehouse(filled, [prices], [prices])
    before = Path(filled.store.uri(WAREHOUSE)).stat()
    assert not refresh_warehouse(filled, [prices], [prices])
    assert Path(filled.store.uri(WAREHOUSE)).stat() == before


def test_a_warehouse_that_went_is_built_again(filled: ParquetTables, prices: Table) -> None:
    refresh_warehouse(filled, [prices], [])
    filled.store.delete(WAREHOUSE)
    assert refresh_warehouse(filled, [prices], [])
    assert filled.store.exists(WAREHOUSE)


def test_a_new_day_makes_a_new_warehouse(filled: ParquetTables, prices: Table, priced: Priced) -> None:
    refresh_warehouse(filled, [prices], [])
    filled.replace(prices, DAY + timedelta(days=2), priced())
    assert refresh_warehouse(filled, [prices], [])


def test_a_lake_that_was_moved_gets_a_warehouse_that_looks_at_the_new_place(
    filled: ParquetTables, prices: Table, tmp_path: Path
) -> None:
    refresh_warehouse(filled, [prices], [])
    moved = ParquetTables(LocalObjectStore(tmp_path / "moved"))
    Path(filled.store.uri(WAREHOUSE)).parent.rename(tmp_path / "moved")
    assert refresh_warehouse(moved, [prices], [])
    with opened(moved) as database:
        assert database.execute("SELECT sum(cents) FROM prices").fetchall() == [(380,)]


def test_a_table_more_makes_a_new_warehouse(filled: ParquetTables, prices: Table) -> None:
    refresh_warehouse(filled, [prices], [])
    assert refresh_warehouse(filled, [prices, *TABLES], [])


def test_a_view_of_the_warehouse_follows_the_files(filled: ParquetTables, prices: Table, priced: Priced) -> None:
    refresh_warehouse(filled, [prices], [])
    filled.replace(prices, DAY, priced(hat=1000))
    with opened(filled) as database:
        assert database.execute("SELECT sum(cents) FROM prices").fetchall() == [(1030,)]


def test_a_copy_stays_when_the_files_go(filled: ParquetTables, prices: Table) -> None:
    refresh_warehouse(filled, [prices], [prices])
    for info in filled.store.list("tables"):
        filled.store.delete(info.key)
    with opened(filled) as database:
        assert database.execute("SELECT sum(cents) FROM prices").fetchall() == [(380,)]


@pytest.mark.parametrize("is_copy", [True, False], ids=["copy", "view"])
@pytest.mark.parametrize("is_empty", [True, False], ids=["empty", "filled"])
def test_tables_and_columns_are_described(
    tables: ParquetTables, prices: Table, priced: Priced, is_copy: bool, is_empty: bool
) -> None:
    if not is_empty:
        tables.replace(prices, DAY, priced(hat=100))
    refresh_warehouse(tables, [prices], [prices] if is_copy else [])
    with opened(tables) as database:
        (comment,) = database.execute(
            "SELECT comment FROM duckdb_tables() UNION ALL SELECT comment FROM duckdb_views() WHERE NOT internal"
        ).fetchall()
        columns = dict(
            database.execute("SELECT column_name, comment FROM duckdb_columns() WHERE NOT internal").fetchall()
        )
    assert comment == ("One row per thing for sale: it's a test's table.",)
    assert columns == {name: column.description for name, column in prices.schema.columns().items()}


def test_vectors_of_the_warehouse_have_a_fixed_size(tables: ParquetTables, vectors: Table) -> None:
    refresh_warehouse(tables, [vectors], [])
    with opened(tables) as database:
        assert database.execute("SELECT typeof(embedding) FROM image_embeddings").fetchall() == [("FLOAT[3]",)]


def test_a_client_that_has_the_warehouse_open_keeps_reading_the_former_one(
    filled: ParquetTables, prices: Table, priced: Priced
) -> None:
    refresh_warehouse(filled, [prices], [prices])
    with opened(filled) as database:
        filled.replace(prices, DAY, priced(hat=1000))
        refresh_warehouse(filled, [prices], [prices])
        assert database.execute("SELECT sum(cents) FROM prices").fetchall() == [(380,)]


def test_a_client_that_comes_later_reads_the_new_warehouse(
    filled: ParquetTables, prices: Table, priced: Priced
) -> None:
    refresh_warehouse(filled, [prices], [prices])
    filled.replace(prices, DAY, priced(hat=1000))
    refresh_warehouse(filled, [prices], [prices])
    with opened(filled) as database:
        assert database.execute("SELECT sum(cents) FROM prices").fetchall() == [(1030,)]


def test_a_build_that_fails_leaves_the_former_warehouse_and_no_litter(filled: ParquetTables, prices: Table) -> None:
    refresh_warehouse(filled, [prices], [prices])
    with filled.store.writing(table_key(prices.name, DAY)) as file:
        file.write_bytes(b"damaged")
    with pytest.raises(TableError, match=r"(?s)the warehouse cannot be built.*doctor"):
        refresh_warehouse(filled, [prices], [prices])
    with opened(filled) as database:
        assert database.execute("SELECT sum(cents) FROM prices").fetchall() == [(380,)]
    assert list((Path(filled.store.uri(WAREHOUSE)).parent / ".staging").iterdir()) == []


def test_a_day_of_an_older_shape_shows_null_for_a_younger_column(
    filled: ParquetTables, prices: Table, priced: Priced
) -> None:
    with filled.store.writing(table_key(prices.name, DAY)) as file:
        priced(hat=100).drop("cents").write_parquet(file)
    rows = query(filled, [prices], "SELECT name, cents FROM prices ORDER BY name").rows()
    assert rows == [("hat", None), ("tie", 30)]


@pytest.mark.parametrize("is_copy", [True, False], ids=["copy", "view"])
def test_a_column_that_no_day_has_is_absent_and_the_others_can_be_read(
    tables: ParquetTables, prices: Table, priced: Priced, is_copy: bool
) -> None:
    with tables.store.writing(table_key(prices.name, DAY)) as file:
        priced(hat=100).drop("cents").write_parquet(file)
    assert query(tables, [prices], "SELECT name FROM prices").rows() == [("hat",)]
    refresh_warehouse(tables, [prices], [prices] if is_copy else [])
    with opened(tables) as database:
        assert "cents" not in database.table("prices").columns
        assert database.execute("SELECT name FROM prices").fetchall() == [("hat",)]


def test_a_full_disk_is_worth_a_retry_and_leaves_no_half_warehouse(tiny_disk: Path) -> None:
    tables = ParquetTables(LocalObjectStore(tiny_disk))
    tables.store.write(ObjectKey("ballast"), bytes(900 * 2**10))
    with pytest.raises(StoreUnavailableError):
        refresh_warehouse(tables, TABLES, [])
    assert not tables.store.exists(WAREHOUSE)
    tables.store.delete(ObjectKey("ballast"))
    assert refresh_warehouse(tables, TABLES, [])
