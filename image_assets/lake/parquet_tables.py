"""Tables as one Parquet file per day or per lot of a day, or one for all days, replaced by one atomic rename."""

import hashlib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import dataframely as dy
import polars as pl

from image_assets.errors import (
    ObjectChangedError,
    ObjectNotFoundError,
    StorageError,
    TableError,
)
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.lots import WHOLE, Lot
from image_assets.lake.object_store import ANY_VERSION, ObjectCopy, ObjectInfo, ObjectStore
from image_assets.lake.optimism import until_first
from image_assets.lake.small_files import SmallFiles
from image_assets.lake.table_errors import UNREADABLE, damaged_table, explained_write, refuse_as_damage
from image_assets.tables.table import Table

FILE_COLUMN = "_file"

_SMALL_BYTES = 2**18

_validated_versions: dict[tuple[str, Table], str] = {}
"""Of each file that this process has read, the version that obeyed its schema."""
_validated_bytes: dict[tuple[str, Table], bytes] = {}
"""Of each small table that this process has written, and not read yet, the digest of what obeyed its schema."""
_small_files = SmallFiles(2**26)
"""Those that this process has read last."""


@dataclass(frozen=True, slots=True)
class ParquetTables:
    """Reads and writes tables of an object store; whatever is read or written obeys its schema.

    A table that is not kept by day has the day None. A file that was read once is validated again when it has changed.

    Attributes:
        store: where their files are.
        history_keep: files of former recipes that are kept of each table and day.
        lot: the part of each day that is read and written, where a table has it; see `at`.
    """

    store: ObjectStore
    history_keep: int = 1
    lot: Lot = WHOLE

    def at(self, lot: Lot) -> "ParquetTables":
        """The same tables seen through one lot: steps read and write its rows as if they were the day's.

        Of a table that is made for the day as a whole the day's rows are read.
        """
        return replace(self, lot=lot)

    def key(self, table: str, day: date | None) -> ObjectKey:
        """The file that is written."""
        return object_keys.table_key(table, day, self.lot if day else WHOLE)

    def keys(self, table: str, day: date | None) -> list[ObjectKey]:
        """The files of a day that there are: one, or one of each lot."""
        own = self.key(table, day)
        return [own] if self.store.exists(own) else self._other_keys(table, day)

    def _other_keys(self, table: str, day: date | None) -> list[ObjectKey]:
        """Of a day that has not the file which is written."""
        if day and self.lot != WHOLE:
            return [key for key in (object_keys.table_key(table, day),) if self.store.exists(key)]
        return [info.key for info in self._lot_files(table, day)] if day else []

    def exists(self, table: Table, day: date | None) -> bool:
        """Whether the day, or a lot of it, was ever committed, be it empty."""
        return bool(self.keys(table.name, day))

    def listed(self, table: str) -> dict[date, list[ObjectInfo]]:
        """The files of each day that was committed of the table of this name, in order."""
        found: dict[date, list[ObjectInfo]] = {}
        for info in self.store.list(f"{object_keys.TABLES}/{table}"):
            if (day := object_keys.day_of(info.key)) is not None:
                found.setdefault(day, []).append(info)
        return dict(sorted(found.items()))

    def days(self, table: str) -> list[date]:
        """Days that were committed of the table of this name, in order."""
        return list(self.listed(table))

    def versions(self, table: str) -> dict[date, str]:
        """What tells each day's rows from others, by the versions of its files."""
        return {day: version_of_files(files) for day, files in self.listed(table).items()}

    def version(self, table: str, day: date | None) -> str | None:
        """The same of one day; None when it was never committed."""
        own = self.store.version(self.key(table, day))
        if own is not None or day is None or self.lot != WHOLE:
            return own
        found = self._lot_files(table, day)
        return version_of_files(found) if found else None

    def _lot_files(self, table: str, day: date) -> list[ObjectInfo]:
        listed = self.store.list(object_keys.lots_prefix(table, day))
        return [info for info in listed if object_keys.day_of(info.key) == day]

    def files(self, table: str) -> list[ObjectKey]:
        """Every file of the table of this name, and of all its versions where it has several."""
        objects = self.store.list(f"{object_keys.TABLES}/{table}")
        return [found.key for found in objects if found.key.endswith(".parquet")]

    def schema_of(self, table: str, day: date) -> pl.Schema:
        """Columns and types as a day, or any lot of it, has them; they may differ from what the schema says today."""
        return self.file_schema(next(iter(self.at(WHOLE).keys(table, day)), self.key(table, day)))

    def file_schema(self, key: ObjectKey) -> pl.Schema:
        """Columns and types of one file; `ObjectNotFoundError` when it has gone."""
        uri = self.store.uri(key)
        try:
            copies = self.store.copies([key])
            return _small_files.frame_of(uri, copies[key]).schema if copies else self._scanned(key, {}).collect_schema()
        except FileNotFoundError as error:
            raise ObjectNotFoundError(f"{uri} has gone", key=key) from error
        except (*UNREADABLE, OSError) as error:
            refuse_as_damage(error, key)
            raise damaged_table(f"{uri} cannot be read as Parquet: {error}", key) from error

    def read(self, table: Table, day: date | None) -> pl.DataFrame:
        """A day's rows; `TableError` when the day was never committed, is unreadable or breaks the schema."""
        rows = self._committed(table, day)
        if rows is None:
            if day is None:
                raise TableError(f"{table.name} is not there: materialize {table.name} first", table=table.name)
            todo = f"materialize {table.name} for that day first: image-assets run --day {day}"
            raise TableError(f"{table.name} has no {day}: {todo}", table=table.name, day=day)
        return rows

    def _committed(self, table: Table, day: date | None) -> pl.DataFrame | None:
        rows = self._committed_file(self.key(table.name, day), table, day)
        if rows is not None:
            return rows
        others = [self._committed_file(key, table, day) for key in self._other_keys(table.name, day)]
        parts = [each for each in others if each is not None]
        return pl.concat(parts) if parts else None

    def _committed_file(self, key: ObjectKey, table: Table, day: date | None) -> pl.DataFrame | None:
        try:
            copies = self.store.copies([key])
        except ObjectNotFoundError:
            return None
        version = copies[key].version if copies else self.store.version(key)
        if version is None:
            return None
        rows = self._collect([key], copies) if copies else self.scan_files([key])
        file = self.store.uri(key), table
        if _validated_versions.get(file) != version:
            if not (copies and _validated_bytes.pop(file, None) == _digest(copies[key].data)):
                rows = self._validated(table, day, rows)
            _validated_versions[file] = version
        return rows.select(table.schema.column_names())

    def read_file(self, key: ObjectKey, table: Table, day: date | None) -> pl.DataFrame:
        """All columns of one file, a chunk or a table's; `TableError` when it is unreadable or breaks the schema."""
        return self._validated(table, day, self.scan_files([key]))

    def is_parquet(self, key: ObjectKey) -> bool:
        """Whether a file has a footer that can be read; of one that has gone meanwhile nothing is known: it counts."""
        try:
            copies = self.store.copies([key])
            where = io.BytesIO(copies[key].data) if copies else self.store.uri(key)
            pl.read_parquet_metadata(where, **({} if copies else self.store.scan_options))
        except (FileNotFoundError, ObjectNotFoundError):
            return True
        except (*UNREADABLE, OSError) as error:
            refuse_as_damage(error, key)
            return False
        return True

    def read_or_empty(self, table: Table, day: date | None) -> pl.DataFrame:
        """A day's rows, none when the day was never committed."""
        rows = self._committed(table, day)
        return table.no_rows if rows is None else rows

    def read_column(self, table: str, day: date | None, column: str) -> pl.Series:
        """A column of text of the table of this name, without validation; empty when the day was never committed."""
        try:
            return self._scan_day(table, day, [column]).get_column(column)
        except ObjectNotFoundError:
            return pl.Series(column, [], dtype=pl.String)

    def replace(self, table: Table, day: date | None, rows: pl.DataFrame) -> None:
        """Commit a day; readers see the former rows or these."""
        self.write_file(self.key(table.name, day), table, day, [rows])

    def replace_if_changed(self, table: Table, day: date | None, made: Callable[[], pl.DataFrame]) -> bool:
        """Commit a day unless it already holds exactly the rows that are `made`; say whether anything was written.

        They are made again when another process commits the day meanwhile, so that what was read later wins.
        """

        def attempt() -> bool:
            key = self.key(table.name, day)
            version = self.store.version(key)
            rows = made().select(table.schema.column_names()).sort(table.primary_key)
            if version and self._holds(table, day, rows):
                return False
            self.write_file(key, table, day, [rows], over=version)
            return True

        return until_first(attempt)

    def _holds(self, table: Table, day: date | None, rows: pl.DataFrame) -> bool:
        try:
            return self.scan_files([self.key(table.name, day)]).equals(rows)
        except TableError:
            # What is computed whole from other tables need not be restored: it is made anew.
            return False

    def write_file(
        self,
        key: ObjectKey,
        table: Table,
        day: date | None,
        parts: Iterable[pl.DataFrame],
        *,
        over: str | None = ANY_VERSION,
    ) -> None:
        """Write parts, which follow each other in key order, to one file without holding all of them.

        Raises:
            ObjectChangedError: `over` names another version than the one that is there.
        """
        with self.store.writing(key, over=over) as target:
            files = []
            for number, part in enumerate(parts):
                files.append(target.with_name(f"{number:06}.parquet"))
                with explained_write(key):
                    self._validated(table, day, part).write_parquet(files[-1])
            if len(files) == 1:
                if key == self.key(table.name, day) and files[0].stat().st_size <= _SMALL_BYTES:
                    _validated_bytes[self.store.uri(key), table] = _digest(files[0].read_bytes())
                files[0].replace(target)
            else:
                with explained_write(key):
                    pl.scan_parquet(files, glob=False).sink_parquet(target, maintain_order=True)

    def keep_former(self, table: str, day: date, recipe_version: str) -> None:
        """Keep the day's file, which that recipe made, in the history of the table, and drop what is older there."""
        if self.history_keep:
            former = object_keys.history_key(table, day, recipe_version, self.lot)
            self.store.copy(self.key(table, day), former)
            # By name: a clock that was ahead would make an older file the last one.
            others = [older for older in self.former_recipes(table, day) if older != recipe_version]
            for older in others[self.history_keep - 1 :]:
                self.store.delete(object_keys.history_key(table, day, older, self.lot))

    def former_recipes(self, table: str, day: date) -> list[str]:
        """Recipes whose file of a day is kept; the last one first."""
        prefix = object_keys.history_prefix(table, day, self.lot)
        kept = sorted(self.store.list(prefix), key=lambda info: info.modified_at)
        return list(dict.fromkeys(info.key.rpartition("/")[2].removesuffix(".parquet") for info in reversed(kept)))

    def remove_rows(self, key: ObjectKey, where: pl.Expr) -> None:
        """Rewrite one file, whatever its shape, without the rows for which `where`, never null, holds.

        One that is replaced while it is read is read again. Raises `ObjectNotFoundError` when it has gone.
        """

        def attempt() -> None:
            version = self.store.version(key)
            with self.store.writing(key, over=version) as target, explained_write(key):
                try:
                    kept = self._scanned(key).filter(~where)
                    kept.sink_parquet(target, maintain_order=True)
                except FileNotFoundError as error:
                    raise ObjectNotFoundError(f"{self.store.uri(key)} has gone", key=key) from error
                except pl.exceptions.PolarsError:
                    self._check_unchanged({key: version}, may_be_gone=False)
                    raise

        until_first(attempt)

    def scan(
        self,
        table: Table,
        columns: Sequence[str],
        days: Iterable[date] | None = None,
        where: pl.Expr | None = None,
    ) -> pl.DataFrame:
        """Columns of some days, or of every day that was committed, as their files have them: without validation.

        Raises `ObjectNotFoundError` when one of the days was never committed, `TableError` when its file is damaged.
        """
        days = None if days is None else list(days)
        if days is not None and len(days) == 1:
            return self._scan_day(table.name, days[0], columns, where)
        keys = self._keys_of_days(table.name, days)
        return self.scan_files(keys, columns, where) if keys else table.no_rows.select(columns)

    def _scan_day(
        self, table: str, day: date | None, columns: Sequence[str], where: pl.Expr | None = None
    ) -> pl.DataFrame:
        """Most days are one file: that it is there is told by reading it."""
        try:
            return self.scan_files([self.key(table, day)], columns, where)
        except ObjectNotFoundError:
            if not (others := self._other_keys(table, day)):
                raise
            return self.scan_files(others, columns, where)

    def _keys_of_days(self, table: str, days: Iterable[date] | None) -> list[ObjectKey]:
        """The files of the days; for one that was never committed the file that it would have."""
        if days is None:
            return [info.key for files in self.listed(table).values() for info in files]
        found = [(day, self.keys(table, day)) for day in days]
        return [key for day, keys in found for key in keys or [self.key(table, day)]]

    def scan_files(
        self,
        keys: Sequence[ObjectKey],
        columns: Sequence[str] | None = None,
        where: pl.Expr | None = None,
        *,
        with_file: bool = False,
    ) -> pl.DataFrame:
        """Rows of several files of one table, all columns or some; in `FILE_COLUMN` the file of each, if wanted.

        Polars opens a file more than once: one that is replaced meanwhile may be read half and half, and is read again.
        Raises `ObjectNotFoundError` when one has gone, `TableError` when one is not Parquet.
        """

        def attempt() -> pl.DataFrame:
            copies = self.store.copies(keys)
            versions = {key: self.store.version(key) for key in keys if key not in copies}
            for key, version in versions.items():
                if version is None:
                    raise ObjectNotFoundError(f"{self.store.uri(key)} is not there", key=key)
            try:
                rows = self._collect(keys, copies, columns, where, FILE_COLUMN if with_file else None)
            except TableError:
                self._check_unchanged(versions, may_be_gone=False)
                raise
            self._check_unchanged(versions, may_be_gone=True)
            return rows

        return until_first(attempt)

    def _check_unchanged(self, versions: Mapping[ObjectKey, str | None], *, may_be_gone: bool) -> None:
        for key, version in versions.items():
            now = self.store.version(key)
            if now is None and not may_be_gone:
                raise ObjectNotFoundError(f"{self.store.uri(key)} has gone while it was read", key=key)
            if now not in {version, None}:
                raise ObjectChangedError(f"{self.store.uri(key)} was replaced while it was read: run it again", key=key)

    def _collect(
        self,
        keys: Sequence[ObjectKey],
        copies: Mapping[ObjectKey, ObjectCopy],
        columns: Sequence[str] | None = None,
        where: pl.Expr | None = None,
        file: str | None = None,
    ) -> pl.DataFrame:
        try:
            if len(copies) == len(keys) and (rows := self._whole(keys, copies, file)) is not None:
                rows = rows if where is None else rows.filter(where)
                return rows[[*columns, *([file] if file else [])]] if columns else rows
            lazy = self._with_copies(keys, copies, file) if copies else self._in_place(keys, file)
            lazy = lazy if where is None else lazy.filter(where)
            lazy = lazy.select([*columns, *([file] if file else [])]) if columns else lazy
            return lazy.collect(engine="streaming")
        except FileNotFoundError as error:
            raise ObjectNotFoundError(str(error), key=keys[0] if len(keys) == 1 else None) from error
        except UNREADABLE as error:
            damaged = self._unreadable(keys)
            named = ", ".join(self.store.uri(key) for key in damaged)
            raise damaged_table(f"{named} cannot be read as Parquet: {error}", damaged[0]) from error
        except OSError as error:
            refuse_as_damage(error, keys[0])
            raise StorageError(f"cannot read {', '.join(keys[:3])}: {error}", key=keys[0]) from error

    def _whole(
        self, keys: Sequence[ObjectKey], copies: Mapping[ObjectKey, ObjectCopy], file: str | None
    ) -> pl.DataFrame | None:
        """Files of one shape, all of which are small; None when their shapes differ."""
        frames = [self._small(key, copies[key], file) for key in keys]
        if len(frames) == 1:
            return frames[0]
        shape = frames[0].schema
        return pl.concat(frames) if all(frame.schema == shape for frame in frames) else None

    def _small(self, key: ObjectKey, copy: ObjectCopy, file: str | None) -> pl.DataFrame:
        uri = self.store.uri(key)
        rows = _small_files.frame_of(uri, copy)
        return rows.with_columns(pl.lit(uri).alias(file)) if file else rows

    def _in_place(
        self, keys: Sequence[ObjectKey], file: str | None = None, schema: pl.Schema | None = None
    ) -> pl.LazyFrame:
        return pl.scan_parquet(
            [self.store.uri(key) for key in keys],
            glob=False,
            schema=schema,
            include_file_paths=file,
            extra_columns="ignore",
            missing_columns="insert",
            **self.store.scan_options,
        )

    def _with_copies(
        self, keys: Sequence[ObjectKey], copies: Mapping[ObjectKey, ObjectCopy], file: str | None
    ) -> pl.LazyFrame:
        """As Polars has it of files in place: the first one says which columns there are."""
        schema = self._scanned(keys[0], copies).collect_schema()
        frames = [
            _from_copy(copies[key], schema, self.store.uri(key), file)
            if key in copies
            else self._in_place([key], file, schema)
            for key in keys
        ]
        return pl.concat(frames)

    def _scanned(self, key: ObjectKey, copies: Mapping[ObjectKey, ObjectCopy] | None = None) -> pl.LazyFrame:
        found = self.store.copies([key]) if copies is None else copies
        return pl.scan_parquet(io.BytesIO(found[key].data)) if key in found else self._in_place([key])

    def _unreadable(self, keys: Sequence[ObjectKey]) -> Sequence[ObjectKey]:
        """The first file that does not read to its end; all files when each does."""
        for key in keys:
            try:
                self._scanned(key).collect(engine="streaming")
            except (*UNREADABLE, OSError):
                return [key]
        return keys

    def _validated(self, table: Table, day: date | None, rows: pl.DataFrame) -> pl.DataFrame:
        if rows.is_empty() and rows.schema == table.no_rows.schema:
            return rows
        try:
            return table.schema.validate(rows)
        except (dy.exc.ValidationError, dy.exc.SchemaError) as error:
            broken = f"rows of {table.name} for {day or 'all days'} break its schema: {error}"
            raise damaged_table(broken, self.key(table.name, day)) from error


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _from_copy(copy: ObjectCopy, schema: pl.Schema, uri: str, file: str | None) -> pl.LazyFrame:
    rows = pl.scan_parquet(io.BytesIO(copy.data), schema=schema, extra_columns="ignore", missing_columns="insert")
    return rows.with_columns(pl.lit(uri).alias(file)) if file else rows


def version_of_files(files: Sequence[ObjectInfo]) -> str:
    """The version of a day that has these files: that of its one file, or what those of its lots are together."""
    if len(files) == 1:
        return files[0].version
    told = "\n".join(f"{info.key} {info.version}" for info in files)
    return hashlib.blake2b(told.encode(), digest_size=8).hexdigest()
