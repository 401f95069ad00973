"""A file made of table files: brought in line by day, swapped whole, made anew when it is no good."""

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from image_assets.errors import StorageError, TableError
from image_assets.ids import ObjectKey
from image_assets.lake.local_object_store import STAGING, LocalObjectStore
from image_assets.lake.object_keys import table_key
from image_assets.lake.object_store import ANY_VERSION
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.projection import Projection, insert, open_projection

FIRST, SECOND = date(2026, 10, 1), date(2026, 10, 2)
DAYS = [date(2026, 9, number) for number in range(1, 9)]
KEY = ObjectKey("prices.duckdb")


@dataclass
class Prices:
    """What the tests project: `prices`, a column of one table."""

    key: ObjectKey = KEY
    shape: str = "1"
    sources: tuple[str, ...] = ("prices",)
    filled: list[date] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    def create(self, database: duckdb.DuckDBPyConnection) -> None:
        database.execute("CREATE TABLE prices (day DATE, price BIGINT)")

    def fill(self, database: duckdb.DuckDBPyConnection, tables: ParquetTables, days: Collection[date]) -> None:
        for day in days:
            rows = tables.scan_files([table_key("prices", day)]).with_columns(day=pl.lit(day))
            insert(database, "prices", "SELECT day, price FROM rows", rows)
        self.filled += days
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()

    def remove(self, database: duckdb.DuckDBPyConnection, days: Collection[date]) -> None:
        database.execute("DELETE FROM prices WHERE day IN (SELECT unnest(?::DATE[]))", [list(days)])

    def finish(self, database: duckdb.DuckDBPyConnection) -> None:
        """Nothing depends on several days."""


@pytest.fixture
def tables(tmp_path: Path) -> ParquetTables:
    made = ParquetTables(LocalObjectStore(tmp_path / "lake"))
    for number, day in enumerate(DAYS):
        commit(made, day, number)
    return made


def commit(tables: ParquetTables, day: date, *prices: int) -> None:
    with tables.store.writing(table_key("prices", day)) as path:
        pl.DataFrame({"price": prices}).write_parquet(path)


def prices(projection: Projection) -> list[int]:
    return projection.query("SELECT price FROM kept.prices ORDER BY price").get_column("price").to_list()


def inode(tables: ParquetTables) -> int:
    return Path(tables.store.uri(KEY)).stat().st_ino


def test_an_unchanged_lake_leaves_the_file_alone(tables: ParquetTables) -> None:
    assert prices(open_projection(tables, Prices())) == [*range(8)]
    before = inode(tables)
    assert prices(open_projection(tables, Prices())) == [*range(8)]
    assert inode(tables) == before


def test_only_changed_days_are_read_again(tables: ParquetTables) -> None:
    open_projection(tables, Prices())
    commit(tables, DAYS[3], 30, 31)
    content = Prices()
    assert prices(open_projection(tables, content)) == [0, 1, 2, 4, 5, 6, 7, 30, 31]
    assert content.filled == [DAYS[3]]


def test_a_day_that_is_new_comes_and_one_that_is_gone_goes(tables: ParquetTables) -> None:
    open_projection(tables, Prices())
    tables.store.delete(table_key("prices", DAYS[0]))
    commit(tables, FIRST, 100)
    assert prices(open_projection(tables, Prices())) == [1, 2, 3, 4, 5, 6, 7, 100]


def test_when_much_has_changed_the_file_is_made_anew(tables: ParquetTables) -> None:
    open_projection(tables, Prices())
    for day in DAYS[:3]:
        commit(tables, day, 9)
    content = Prices()
    assert prices(open_projection(tables, content)) == [3, 4, 5, 6, 7, 9, 9, 9]
    assert sorted(content.filled) == DAYS


def test_who_has_a_file_open_goes_on_reading_it(tables: ParquetTables) -> None:
    former = open_projection(tables, Prices())
    commit(tables, FIRST, 100)
    later = open_projection(tables, Prices())
    assert (prices(former), prices(later)) == ([*range(8)], [*range(8), 100])


def _foreign(path: Path) -> None:
    path.unlink()
    with duckdb.connect(os.fspath(path)) as database:
        database.execute("CREATE TABLE mine AS SELECT 1")


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"no database"),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:9_000]),
        _foreign,
        Path.unlink,
    ],
    ids=["text", "empty", "half", "foreign", "gone"],
)
def test_a_file_that_is_no_good_is_made_anew(tables: ParquetTables, damage: Callable[[Path], object]) -> None:
    open_projection(tables, Prices())
    damage(Path(tables.store.uri(KEY)))
    assert prices(open_projection(tables, Prices())) == [*range(8)]


def test_a_file_of_another_shape_is_made_anew(tables: ParquetTables) -> None:
    open_projection(tables, Prices())
    content = Prices(shape="2")
    assert prices(open_projection(tables, content)) == [*range(8)]
    assert sorted(content.filled) == DAYS


def test_damage_that_is_met_later_is_told_with_the_key_of_the_file(tables: ParquetTables) -> None:
    made = open_projection(tables, Prices())
    with made.path.open("r+b") as file:
        # Behind the headers; every block has a checksum.
        file.seek(3 * 4096)
        file.write(os.urandom(made.path.stat().st_size - 3 * 4096))
    with pytest.raises(TableError, match="delete it: it is made anew") as caught:
        prices(made)
    assert caught.value.key == KEY


def test_a_refresh_that_is_cut_off_leaves_the_former_file_and_nothing_else(tables: ParquetTables) -> None:
    open_projection(tables, Prices())
    before = inode(tables)
    commit(tables, FIRST, 100)

    def cut_off() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_projection(tables, Prices(meanwhile=cut_off))
    assert inode(tables) == before
    assert list((Path(tables.store.uri(KEY)).parent / STAGING).iterdir()) == []
    assert prices(open_projection(tables, Prices())) == [*range(8), 100]


def test_of_two_that_refresh_at_once_the_second_takes_what_the_first_made(tables: ParquetTables) -> None:
    open_projection(tables, Prices())
    commit(tables, FIRST, 100)
    content = Prices(meanwhile=lambda: open_projection(tables, Prices()))
    assert prices(open_projection(tables, content)) == [*range(8), 100]
    assert content.filled == [FIRST], "it does not make it again"


def test_a_table_that_is_replaced_while_it_is_read_is_read_again(tables: ParquetTables) -> None:
    open_projection(tables, Prices())
    commit(tables, FIRST, 100)
    content = Prices(meanwhile=lambda: commit(tables, FIRST, 200))
    assert prices(open_projection(tables, content)) == [*range(8), 200]


class ReadOnlyStore(LocalObjectStore):
    """A store that cannot be written to."""

    __slots__ = ()

    @contextmanager
    def writing(self, key: ObjectKey, *, over: str | None = ANY_VERSION) -> Iterator[Path]:
        raise StorageError(f"cannot write {key}: Read-only file system")
        yield


def test_a_lake_that_cannot_be_written_to_has_a_file_of_the_process(tables: ParquetTables, tmp_path: Path) -> None:
    locked = ParquetTables(ReadOnlyStore(tmp_path / "lake"))
    made = open_projection(locked, Prices())
    assert prices(made) == [*range(8)]
    assert not locked.store.exists(KEY)
    commit(tables, FIRST, 100)
    content = Prices()
    assert prices(open_projection(locked, content, made)) == [*range(8), 100]
    assert content.filled == [FIRST], "the former file spares the rest"


def test_a_query_ends_when_its_time_is_up(tables: ParquetTables) -> None:
    made = open_projection(tables, Prices())
    with pytest.raises(TimeoutError):
        made.query("SELECT count(*) FROM range(100000) a, range(100000) b, range(1000) c", within_s=0.05)
    assert prices(made) == [*range(8)]
