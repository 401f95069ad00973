"""A projection: one DuckDB file made of table files, which follows them day by day and is replaced whole.

It is a convenience, not the truth: whoever opens it brings it in line with the tables first, and a file that is
damaged, foreign or gone is made anew. Its readers keep the file that they have opened, whoever replaces it.
"""

import math
import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

import duckdb
import polars as pl

from image_assets.errors import ObjectChangedError, StorageError, StoreUnavailableError, TableError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectInfo
from image_assets.lake.optimism import until_first
from image_assets.lake.parquet_tables import ParquetTables

Values = Sequence[object]
Versions = Mapping[ObjectKey, str]

_OFFLINE: Final[dict[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}
_REBUILD_FROM: Final = 0.25
"""Of all days: when so many have changed, a new file is made sooner, and is in order again."""

_AT_ONCE_BYTES: Final = 2**25
"""Of table files that are read together while a file is filled."""


class Content(Protocol):
    """What a projection holds.

    Attributes:
        key: of the file in the lake.
        shape: a file that was made in another shape is made anew.
        sources: names of the tables that it is made of, by day.
    """

    key: ObjectKey
    shape: str
    sources: Sequence[str]

    def create(self, database: duckdb.DuckDBPyConnection) -> None:
        """Make its tables, without rows."""
        ...

    def fill(self, database: duckdb.DuckDBPyConnection, tables: ParquetTables, days: Collection[date]) -> None:
        """Add the rows of days that it has none of."""
        ...

    def remove(self, database: duckdb.DuckDBPyConnection, days: Collection[date]) -> None:
        """Remove the rows of days."""
        ...

    def finish(self, database: duckdb.DuckDBPyConnection) -> None:
        """Bring in line what depends on several days."""
        ...


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Projection:
    """An open projection, which does not change any more; threads may share it.

    Attributes:
        database: has the file attached as `kept`, to be read.
        versions: of the table files that it was made of.
        path: the file.
        is_temporary: whether it is this process's alone, and goes with this object.
    """

    database: duckdb.DuckDBPyConnection
    versions: Versions
    path: Path
    is_temporary: bool = False

    def query(
        self,
        sql: str,
        values: Values = (),
        frames: Mapping[str, pl.DataFrame] = MappingProxyType({}),
        *,
        within_s: float = math.inf,
    ) -> pl.DataFrame:
        """Rows of a query; frames are tables of their names.

        Raises:
            TableError: the file is damaged; `key` is the projection's.
            TimeoutError: it took longer than it may.
        """
        with closing(self.database.cursor()) as cursor, _explained(self.path, _is_damage), _bounded(cursor, within_s):
            for name, rows in frames.items():
                cursor.register(name, rows.to_arrow())
            found: pl.DataFrame = cursor.sql(sql, params=list(values)).pl()
        return found


def insert(database: duckdb.DuckDBPyConnection, table: str, select: str, rows: pl.DataFrame) -> None:
    """Add what a query over `rows` finds to a table."""
    database.register("rows", rows.to_arrow())
    database.execute(f"INSERT INTO {table} {select}")
    database.unregister("rows")


def source_versions(tables: ParquetTables, content: Content) -> Versions:
    """The versions of the table files as they are now, by key."""
    return {info.key: info.version for info in _source_files(tables, content)}


def open_projection(tables: ParquetTables, content: Content, former: Projection | None = None) -> Projection:
    """The projection in line with the tables; in a lake that cannot be written to, a file of this process.

    Args:
        tables: the lake's tables.
        content: what it holds.
        former: opened before; it spares work where the lake cannot keep the file.
    """
    return until_first(lambda: _current(tables, content, former))


def discard_projection(tables: ParquetTables, content: Content) -> None:
    """Have whoever opens it next make it anew; `StorageError` where the lake cannot be written to."""
    tables.store.delete(content.key)


def _current(tables: ParquetTables, content: Content, former: Projection | None) -> Projection:
    store = tables.store
    there, files = store.version(content.key), _source_files(tables, content)
    wanted = {info.key: info.version for info in files}
    if "://" in store.uri(content.key):
        return _current_here(tables, content, former, files)
    known = _open(Path(store.uri(content.key)), content) if there else None
    for each in (known, former):
        if each and each.versions == wanted:
            return each
    base = known or (former if former and former.is_temporary else None)
    with ExitStack() as stack:
        try:
            path = stack.enter_context(store.writing(content.key, over=there))
        except ObjectChangedError:
            raise
        except StorageError:
            return _made_here(tables, content, base, files)
        _make_or_restore(path, tables, content, base, files)
    made = _open(Path(store.uri(content.key)), content)
    if made is None:
        raise StoreUnavailableError(f"{content.key} went while it was opened: do it again", key=content.key)
    return made


def _current_here(
    tables: ParquetTables, content: Content, former: Projection | None, files: Sequence[ObjectInfo]
) -> Projection:
    """A file of this process, as DuckDB opens none in a cloud; what others begin with is sent there."""
    store, wanted = tables.store, {info.key: info.version for info in files}
    there = store.version(content.key)
    base = former or (_kept_here(lambda path: store.fetch(content.key, path), content) if there else None)
    if base and base.versions == wanted:
        return base
    made = _made_here(tables, content, base, files)
    # Another may have sent his first, and who may only read sends none: each has his own.
    with suppress(StorageError), store.writing(content.key, over=there) as path:
        shutil.copyfile(made.path, path)
    return made


def _made_here(
    tables: ParquetTables, content: Content, base: Projection | None, files: Sequence[ObjectInfo]
) -> Projection:
    made = _kept_here(lambda path: _make_or_restore(path, tables, content, base, files), content)
    if made is None:
        raise StoreUnavailableError(f"{content.key} cannot be opened though it was made just now", key=content.key)
    return made


def _kept_here(fill: Callable[[Path], None], content: Content) -> Projection | None:
    """Open a file in a folder of this process, which goes with it."""
    folder = tempfile.mkdtemp(prefix="image-assets-")
    try:
        path = Path(folder) / content.key
        fill(path)
        made = _open(path, content, is_temporary=True)
    # Whoever interrupts it, too, leaves no folder behind.
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if made is None:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        weakref.finalize(made, shutil.rmtree, folder, ignore_errors=True)
    return made


def _make_or_restore(
    path: Path, tables: ParquetTables, content: Content, base: Projection | None, files: Sequence[ObjectInfo]
) -> None:
    """Fill a file without the base when that is found to be damaged."""
    try:
        _make(path, tables, content, base, files)
    except TableError as error:
        if base is None or error.key != path.name:
            raise
        path.unlink(missing_ok=True)
        _make(path, tables, content, None, files)


def _make(
    path: Path, tables: ParquetTables, content: Content, base: Projection | None, files: Sequence[ObjectInfo]
) -> None:
    """Fill a file: a copy of the base in which changed days are replaced, or all of it."""
    days = {day for info in files if (day := object_keys.day_of(info.key))}
    changed = changed_days(base.versions if base else {}, {info.key: info.version for info in files})
    is_copy = base is not None and len(changed) <= max(1, _REBUILD_FROM * len(days))
    if base and is_copy:
        shutil.copyfile(base.path, path)
    with _explained(path), closing(duckdb.connect(os.fspath(path), config=_OFFLINE)) as database:
        if not is_copy:
            _create(database, content)
        content.remove(database, changed)
        gone = changed - days
        _forget(database, gone)
        for some in _read_together(files, changed - gone if is_copy else days):
            _fill(database, tables, content, some)
        content.finish(database)
        # Closing alone would swallow that the disk is full.
        database.execute("CHECKPOINT")


def _create(database: duckdb.DuckDBPyConnection, content: Content) -> None:
    database.execute("CREATE TABLE sources (key VARCHAR, version VARCHAR, day DATE)")
    database.execute("CREATE TABLE shape AS SELECT ? AS shape", [content.shape])
    content.create(database)


def _fill(
    database: duckdb.DuckDBPyConnection, tables: ParquetTables, content: Content, files: Mapping[date, list[ObjectKey]]
) -> None:
    """Add days together with the versions of the files that were read for them."""
    keys = [key for its in files.values() for key in its]
    versions = {key: tables.store.version(key) for key in keys}
    content.fill(database, tables, list(files))
    changed = [key for key, version in versions.items() if tables.store.version(key) != version]
    if changed:
        raise ObjectChangedError(f"{tables.store.uri(changed[0])} was replaced while it was read", key=changed[0])
    _forget(database, files)
    rows = [(key, versions[key], day) for day, its in files.items() for key in its if versions[key]]
    read = pl.DataFrame(rows, schema={"key": pl.String, "version": pl.String, "day": pl.Date}, orient="row")
    insert(database, "sources", "FROM rows", read)


def _forget(database: duckdb.DuckDBPyConnection, days: Collection[date]) -> None:
    database.execute("DELETE FROM sources WHERE day IN (SELECT unnest(?::DATE[]))", [list(days)])


def _read_together(files: Sequence[ObjectInfo], days: Collection[date]) -> Iterator[dict[date, list[ObjectKey]]]:
    """Files of the days, the newest first, as many days at a time as fit into memory."""
    by_day: dict[date, list[ObjectInfo]] = {}
    for info in files:
        if (day := object_keys.day_of(info.key)) in days and day:
            by_day.setdefault(day, []).append(info)
    some, size = dict[date, list[ObjectKey]](), 0
    for day in sorted(by_day, reverse=True):
        some[day] = [info.key for info in by_day[day]]
        size += sum(info.size_bytes for info in by_day[day])
        if size >= _AT_ONCE_BYTES:
            yield some
            some, size = {}, 0
    if some:
        yield some


def changed_days(known: Versions, wanted: Versions) -> set[date]:
    """Days of which any table file has come, changed or gone."""
    return {day for key, _ in known.items() ^ wanted.items() if (day := object_keys.day_of(key))}


def _source_files(tables: ParquetTables, content: Content) -> list[ObjectInfo]:
    listed = (info for name in content.sources for info in tables.store.list(f"{object_keys.TABLES}/{name}"))
    return [info for info in listed if object_keys.day_of(info.key)]


def _open(path: Path, content: Content, *, is_temporary: bool = False) -> Projection | None:
    """None for a file that is damaged, foreign, gone, or of another shape."""
    # A database of its own for each: DuckDB would take a file of the same name for the one that it has open already.
    database = duckdb.connect(config=_OFFLINE)
    try:
        database.execute(f"ATTACH {_text(os.fspath(path))} AS kept (READ_ONLY)")
        database.execute("SET enable_external_access = false")
        shapes = database.execute("SELECT shape FROM kept.shape").fetchall()
        versions = dict(database.execute("SELECT key, version FROM kept.sources").fetchall())
    except duckdb.Error:
        database.close()
        return None
    if shapes != [(content.shape,)]:
        database.close()
        return None
    return Projection(database, versions, path, is_temporary)


def _is_damage(error: duckdb.Error) -> bool:
    """Whether reading a damaged file ends like this; a wrong checksum is an error of no class of its own."""
    kinds = duckdb.IOException, duckdb.FatalException, duckdb.InternalException, duckdb.SerializationException
    return type(error) is duckdb.Error or isinstance(error, kinds)


@contextmanager
def _bounded(cursor: duckdb.DuckDBPyConnection, within_s: float) -> Iterator[None]:
    if within_s <= 0:
        raise TimeoutError
    timer = threading.Timer(within_s, cursor.interrupt) if math.isfinite(within_s) else None
    try:
        if timer:
            timer.start()
        yield
    except duckdb.InterruptException as error:
        raise TimeoutError from error
    finally:
        if timer:
            timer.cancel()


@contextmanager
def _explained(path: Path, is_meant: Callable[[duckdb.Error], bool] = lambda _: True) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        if not is_meant(error):
            raise
        if "no space" in str(error).lower():
            raise StoreUnavailableError(f"{path}: {error}; free some space and do it again") from error
        raise TableError(f"{path} cannot be read: {error}; delete it: it is made anew", key=path.name) from error


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
