from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from image_assets.errors import ObjectNotFoundError, StoreFullError, TableError
from image_assets.ids import ObjectKey
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.object_keys import table_key
from image_assets.lake.object_store import ObjectCopy
from image_assets.lake.parquet_tables import FILE_COLUMN, ParquetTables
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.table import Table

Priced = Callable[..., pl.DataFrame]


def file_of(tables: ParquetTables, table: Table, day: date) -> Path:
    return Path(tables.store.uri(table_key(table.name, day)))


def test_what_was_committed_is_read(tables: ParquetTables, prices: Table, day: date, priced: Priced) -> None:
    tables.replace(prices, day, priced(hat=100, shoe=250, tie=30))
    assert_frame_equal(tables.read(prices, day), priced(hat=100, shoe=250, tie=30))


def test_a_commit_replaces_the_whole_day(tables: ParquetTables, prices: Table, day: date, priced: Priced) -> None:
    tables.replace(prices, day, priced(hat=100, shoe=250))
    tables.replace(prices, day, priced(tie=30))
    assert_frame_equal(tables.read(prices, day), priced(tie=30))


def test_a_day_may_be_empty_and_keeps_its_columns(
    tables: ParquetTables, prices: Table, day: date, priced: Priced
) -> None:
    tables.replace(prices, day, priced())
    assert tables.exists(prices, day)
    assert tables.read(prices, day).schema == priced().schema


def test_readers_see_the_former_rows_until_the_new_ones_are_complete(
    tables: ParquetTables, prices: Table, day: date, priced: Priced
) -> None:
    tables.replace(prices, day, priced(hat=100))
    seen = []

    def parts() -> Iterator[pl.DataFrame]:
        for part in (priced(hat=200), priced(shoe=250)):
            seen.append(tables.read(prices, day))
            yield part

    tables.write_file(table_key(prices.name, day), prices, day, parts())
    for former in seen:
        assert_frame_equal(former, priced(hat=100))
    assert tables.read(prices, day).height == 2


def test_a_reader_in_the_middle_of_a_file_finishes_with_the_former_rows(
    tables: ParquetTables, prices: Table, day: date, priced: Priced
) -> None:
    tables.replace(prices, day, priced(hat=100))
    with file_of(tables, prices, day).open("rb") as former:
        tables.replace(prices, day, priced(shoe=250))
        assert_frame_equal(pl.read_parquet(former), priced(hat=100))


BREAKERS: dict[str, pl.Expr] = {
    "a null": pl.lit(None, pl.UInt32).alias("cents"),
    "a value out of bounds": pl.lit(0, pl.UInt32).alias("cents"),
    "another type": pl.lit("much").alias("cents"),
    "the same key twice": pl.lit("hat").alias("name"),
}


@pytest.mark.parametrize("breaker", BREAKERS.values(), ids=list(BREAKERS))
def test_rows_that_break_the_schema_are_refused_and_the_file_stays(
    tables: ParquetTables, prices: Table, day: date, priced: Priced, breaker: pl.Expr
) -> None:
    tables.replace(prices, day, priced(hat=100))
    former = file_of(tables, prices, day).read_bytes()
    with pytest.raises(TableError, match="prices for 2026-10-01 break its schema"):
        tables.replace(prices, day, priced(hat=100, shoe=250).with_columns(breaker))
    assert file_of(tables, prices, day).read_bytes() == former


def test_a_missing_column_is_refused(tables: ParquetTables, prices: Table, day: date, priced: Priced) -> None:
    with pytest.raises(TableError, match="cents"):
        tables.replace(prices, day, priced(hat=100).drop("cents"))
    assert not tables.exists(prices, day)


def test_a_bad_part_among_good_ones_commits_nothing(
    store: LocalObjectStore, tables: ParquetTables, prices: Table, day: date, priced: Priced
) -> None:
    parts = [priced(hat=100), priced(shoe=250).with_columns(cents=pl.lit(0, pl.UInt32))]
    with pytest.raises(TableError):
        tables.write_file(table_key(prices.name, day), prices, day, parts)
    assert not tables.exists(prices, day)
    assert list((store.root / ".staging").iterdir()) == []


def test_parts_follow_each_other_in_one_file(tables: ParquetTables, prices: Table, day: date, priced: Priced) -> None:
    parts = [priced(**{f"{letter}{number}": 1 for number in range(50)}) for letter in "abc"]
    tables.write_file(table_key(prices.name, day), prices, day, iter(parts))
    assert_frame_equal(tables.read(prices, day), pl.concat(parts))


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "text": lambda _: b"this is not Parquet, but it is long enough",
    "half": lambda data: data[: len(data) // 2],
    "a bad block": lambda data: data[:8] + b"\xff" * (len(data) - 16) + data[-8:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=list(DAMAGES))
def test_a_damaged_file_is_named_with_what_to_do(
    tables: ParquetTables, prices: Table, day: date, priced: Priced, damage: Callable[[bytes], bytes]
) -> None:
    tables.replace(prices, day, priced(hat=100))
    file = file_of(tables, prices, day)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(TableError, match=rf"{file}.*restore the file or delete it .* image-assets run --day {day};"):
        tables.read(prices, day)


def test_whoever_deletes_a_file_of_bronze_is_told_what_that_costs(tables: ParquetTables, day: date) -> None:
    tables.store.write(table_key(BRONZE_IMAGES.name, day), b"damaged")
    with pytest.raises(TableError, match=r"left the landing zone are forgotten: better restore it"):
        tables.read(BRONZE_IMAGES, day)


def test_the_damaged_one_of_several_files_is_named(
    tables: ParquetTables, prices: Table, day: date, priced: Priced
) -> None:
    days = [day + timedelta(days=number) for number in range(3)]
    for each in days:
        tables.replace(prices, each, priced(hat=100).with_columns(day=each))
    file_of(tables, prices, days[1]).write_bytes(b"damaged")
    with pytest.raises(TableError, match=r"2026-10-02\.parquet cannot be read"):
        tables.scan_files([table_key(prices.name, each) for each in days], ["name"])


def test_a_file_of_another_shape_is_an_error_on_reading(
    tables: ParquetTables, prices: Table, day: date, priced: Priced
) -> None:
    tables.replace(prices, day, priced(hat=100))
    priced(hat=100).drop("cents").write_parquet(file_of(tables, prices, day))
    with pytest.raises(TableError, match="break its schema"):
        tables.read(prices, day)


def test_a_file_that_was_read_once_is_validated_again_when_it_has_changed(
    tables: ParquetTables, prices: Table, day: date, priced: Priced
) -> None:
    tables.replace(prices, day, priced(hat=100))
    tables.read(prices, day)
    priced(hat=100).with_columns(BREAKERS["a value out of bounds"]).write_parquet(file_of(tables, prices, day))
    for _ in range(2):
        with pytest.raises(TableError, match="break its schema"):
            tables.read(prices, day)


def test_columns_beyond_the_schema_are_left_out_at_every_reading(
    tables: ParquetTables, prices: Table, day: date, priced: Priced
) -> None:
    tables.replace(prices, day, priced(hat=100))
    priced(hat=100).with_columns(more=pl.lit(1)).write_parquet(file_of(tables, prices, day))
    assert [tables.read(prices, day).columns for _ in range(2)] == [priced().columns] * 2


def test_a_missing_day_says_what_to_materialize(tables: ParquetTables, prices: Table, day: date) -> None:
    with pytest.raises(TableError, match="materialize prices"):
        tables.read(prices, day)


def test_a_missing_day_may_be_read_as_empty(tables: ParquetTables, prices: Table, day: date, priced: Priced) -> None:
    assert_frame_equal(tables.read_or_empty(prices, day), priced())


def test_a_file_that_went_is_not_found(tables: ParquetTables) -> None:
    with pytest.raises(ObjectNotFoundError):
        tables.scan_files([ObjectKey("tables/prices/2026-10-01.parquet")], ["name"])


class ReplacedOnce(LocalObjectStore):
    """Another process replaces a file as it is first read: what is opened then is half of one and half of the other."""

    def uri(self, key: ObjectKey) -> str:
        torn = self.root / "torn.parquet"
        if torn.exists() or key.endswith("torn.parquet"):
            return super().uri(key)
        data = self.read(key)
        torn.write_bytes(data[: len(data) // 2])
        self.write(key, data)
        return str(torn)


def test_rows_are_removed_from_a_file_that_another_replaces_meanwhile(
    tables: ParquetTables, prices: Table, day: date, priced: Priced, tmp_path: Path
) -> None:
    tables.replace(prices, day, priced(hat=100, shoe=250))
    store = tables.store
    assert isinstance(store, LocalObjectStore)
    ParquetTables(ReplacedOnce(store.root)).remove_rows(table_key(prices.name, day), pl.col("name") == "hat")
    assert tables.read(prices, day).get_column("name").to_list() == ["shoe"]


def test_equal_rows_are_not_written_again(tables: ParquetTables, prices: Table, day: date, priced: Priced) -> None:
    assert tables.replace_if_changed(prices, day, lambda: priced(hat=100, shoe=250))
    before = file_of(tables, prices, day).stat()
    assert not tables.replace_if_changed(prices, day, lambda: priced(hat=100, shoe=250))
    after = file_of(tables, prices, day).stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_the_order_of_rows_is_no_change(tables: ParquetTables, prices: Table, day: date, priced: Priced) -> None:
    rows = priced(shoe=250, hat=100)
    tables.replace_if_changed(prices, day, lambda: rows)
    assert not tables.replace_if_changed(prices, day, lambda: rows.reverse())


def test_rows_are_committed_in_the_order_of_their_key(
    tables: ParquetTables, prices: Table, day: date, priced: Priced
) -> None:
    tables.replace_if_changed(prices, day, lambda: priced(tie=1, shoe=2, hat=3))
    assert tables.read(prices, day).get_column("name").to_list() == ["hat", "shoe", "tie"]


def test_other_rows_are_written(tables: ParquetTables, prices: Table, day: date, priced: Priced) -> None:
    tables.replace_if_changed(prices, day, lambda: priced(hat=100))
    assert tables.replace_if_changed(prices, day, lambda: priced(hat=101))
    assert tables.read(prices, day).get_column("cents").to_list() == [101]


def test_a_damaged_day_is_made_anew_where_all_its_rows_are_at_hand(
    tables: ParquetTables, prices: Table, day: date, priced: Priced
) -> None:
    tables.replace_if_changed(prices, day, lambda: priced(hat=100))
    file_of(tables, prices, day).write_bytes(b"damaged")
    assert tables.replace_if_changed(prices, day, lambda: priced(hat=100))
    assert_frame_equal(tables.read(prices, day), priced(hat=100))


def test_an_empty_day_that_stays_empty_is_not_written_again(
    tables: ParquetTables, prices: Table, day: date, priced: Priced
) -> None:
    assert tables.replace_if_changed(prices, day, lambda: priced())
    assert not tables.replace_if_changed(prices, day, lambda: priced())


def test_days_are_listed_in_order(tables: ParquetTables, prices: Table, day: date, priced: Priced) -> None:
    days = [day + timedelta(days=number) for number in (40, 0, 7)]
    for each in days:
        tables.replace(prices, each, priced())
    assert tables.days(prices.name) == sorted(days)


@pytest.mark.parametrize("name", [".DS_Store", "2026-10-01.parquet.bak", "notes.txt", "latest.parquet"])
def test_a_stray_file_beside_the_days_is_no_day(
    tables: ParquetTables, prices: Table, day: date, priced: Priced, name: str
) -> None:
    tables.replace(prices, day, priced())
    file_of(tables, prices, day).with_name(name).write_bytes(b"")
    assert tables.days(prices.name) == [day]


def test_a_table_without_a_day_has_no_days(tables: ParquetTables) -> None:
    assert tables.days("prices") == []


def test_duckdb_alone_reads_the_files(tables: ParquetTables, prices: Table, day: date, priced: Priced) -> None:
    for number in range(2):
        tables.replace(prices, day + timedelta(days=number), priced(hat=100 + number))
    files = file_of(tables, prices, day).with_name("*.parquet")
    with duckdb.connect() as database:
        rows = database.execute("SELECT cents FROM read_parquet(?) ORDER BY cents", [str(files)]).fetchall()
    assert rows == [(100,), (101,)]


def test_columns_of_several_days_come_with_the_file_they_are_from(
    tables: ParquetTables, prices: Table, day: date, priced: Priced
) -> None:
    days = [day, day + timedelta(days=1)]
    for each in days:
        tables.replace(prices, each, priced(hat=100).with_columns(day=each))
    keys = [table_key(prices.name, each) for each in days]
    rows = tables.scan_files(keys, ["day"], with_file=True)
    assert rows.rows() == [(each, tables.store.uri(key)) for each, key in zip(days, keys, strict=True)]
    assert rows.columns == ["day", FILE_COLUMN]


@pytest.fixture
def three_days(tables: ParquetTables, prices: Table, day: date, priced: Priced) -> list[date]:
    """A hat each day, which gets dearer."""
    days = [day + timedelta(days=number) for number in range(3)]
    for number, each in enumerate(days):
        tables.replace(prices, each, priced(hat=100 + number).with_columns(day=each))
    return days


def test_all_days_are_scanned_or_some(tables: ParquetTables, prices: Table, three_days: list[date]) -> None:
    assert tables.scan(prices, ["cents"]).rows() == [(100,), (101,), (102,)]
    assert tables.scan(prices, ["cents", "day"], three_days[1:2]).rows() == [(101, three_days[1])]
    assert tables.scan(prices, ["name"], where=pl.col("cents") > 100).rows() == [("hat",), ("hat",)]


@pytest.mark.parametrize("days", [None, ()], ids=["all", "none"])
def test_what_is_scanned_of_no_day_has_the_types_of_the_schema(
    tables: ParquetTables, prices: Table, priced: Priced, days: tuple[date, ...] | None
) -> None:
    assert_frame_equal(tables.scan(prices, ["sold_at", "kind"], days), priced().select("sold_at", "kind"))


def test_a_day_that_is_asked_for_and_not_there_is_an_error(
    tables: ParquetTables, prices: Table, three_days: list[date]
) -> None:
    with pytest.raises(ObjectNotFoundError):
        tables.scan(prices, ["name"], [*three_days, date(2026, 11, 1)])


def test_a_column_that_only_later_days_lack_is_null_there(
    tables: ParquetTables, prices: Table, three_days: list[date]
) -> None:
    file = file_of(tables, prices, three_days[2])
    pl.read_parquet(file).drop("cents").write_parquet(file)
    assert tables.scan(prices, ["cents"]).rows() == [(100,), (101,), (None,)]


def test_only_matching_rows_are_scanned(tables: ParquetTables, prices: Table, day: date, priced: Priced) -> None:
    tables.replace(prices, day, priced(hat=100, shoe=250))
    rows = tables.scan_files([table_key(prices.name, day)], ["name"], where=pl.col("cents") > 200)
    assert rows.get_column("name").to_list() == ["shoe"]


def test_the_stored_shape_is_told_and_not_the_wanted_one(
    tables: ParquetTables, prices: Table, day: date, priced: Priced
) -> None:
    tables.replace(prices, day, priced(hat=100))
    priced(hat=100).with_columns(cents=pl.lit(1, pl.Int64)).write_parquet(file_of(tables, prices, day))
    assert tables.schema_of(prices.name, day)["cents"] == pl.Int64


@pytest.mark.parametrize("starts", [[0], [0, 20_000]], ids=["one part", "several parts"])
def test_a_full_disk_is_worth_a_retry_and_keeps_the_former_rows(
    tiny_disk: Path, prices: Table, day: date, priced: Priced, starts: list[int]
) -> None:
    tables = ParquetTables(LocalObjectStore(tiny_disk))
    tables.replace(prices, day, priced(hat=100))
    tables.store.write(ObjectKey("ballast"), bytes(1000 * 2**10))
    parts = [priced(**{f"{number:06}": number + 1 for number in range(part, part + 20_000)}) for part in starts]
    with pytest.raises(StoreFullError, match="free some space"):
        tables.write_file(table_key(prices.name, day), prices, day, parts)
    assert_frame_equal(tables.read(prices, day), priced(hat=100))
    assert list((tiny_disk / ".staging").iterdir()) == []


@dataclass(frozen=True, slots=True)
class BusyStore(LocalObjectStore):
    """A store of large files in which something happens right after a version was told, the last of `rivals` first."""

    rivals: list[Callable[[], object]]

    def copies(self, keys: Sequence[ObjectKey]) -> Mapping[ObjectKey, ObjectCopy]:
        return {}

    def version(self, key: ObjectKey) -> str | None:
        version = LocalObjectStore.version(self, key)
        if self.rivals:
            self.rivals.pop()()
        return version


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(
    tables: ParquetTables, prices: Table, day: date, priced: Priced
) -> None:
    key = table_key(prices.name, day)
    tables.replace(prices, day, priced(hat=100))
    root = Path(tables.store.uri(key)).parents[2]

    def replaced() -> None:
        tables.replace(prices, day, priced(hat=100, shoe=250))

    def damaged() -> None:
        Path(tables.store.uri(key)).write_bytes(b"half of it")

    busy = ParquetTables(BusyStore(root, [replaced, damaged]))
    assert busy.scan_files([key]).height == 2


def test_a_file_that_went_while_it_was_read_is_not_taken_for_a_damaged_one(
    tables: ParquetTables, prices: Table, day: date, priced: Priced
) -> None:
    key = table_key(prices.name, day)
    tables.replace(prices, day, priced(hat=100))
    path = Path(tables.store.uri(key))
    busy = ParquetTables(BusyStore(path.parents[2], [path.unlink]))
    with pytest.raises(ObjectNotFoundError):
        busy.scan_files([key])


def test_an_error_names_its_table_its_day_and_its_file_for_programs(
    tables: ParquetTables, prices: Table, priced: Priced
) -> None:
    day = date(2026, 10, 1)
    tables.replace(prices, day, priced(hat=100))
    key = table_key(prices.name, day)
    tables.store.write(key, b"not Parquet")
    with pytest.raises(TableError) as damaged:
        tables.scan_files([key])
    assert (damaged.value.table, damaged.value.day, damaged.value.key) == (prices.name, day, key)
    with pytest.raises(ObjectNotFoundError) as gone:
        tables.store.read(ObjectKey("bronze/none.jpg"))
    assert gone.value.key == "bronze/none.jpg"


def test_what_was_written_here_and_damaged_since_is_validated(
    tables: ParquetTables, prices: Table, day: date, priced: Priced
) -> None:
    tables.replace(prices, day, priced(hat=100))
    assert tables.read(prices, day).height == 1
    tables.replace(prices, day, priced(hat=100))
    broken = priced(hat=100, shoe=250).with_columns(name=pl.lit("hat"))
    broken.write_parquet(tables.store.uri(table_key(prices.name, day)))
    with pytest.raises(TableError, match="schema"):
        tables.read(prices, day)
