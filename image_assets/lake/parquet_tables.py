"""Tables as one Parquet file per day, replaced by one atomic rename."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import dataframely as dy
import polars as pl

from image_assets.errors import ObjectNotFoundError, StorageError, StoreUnavailableError, TableError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.tables.table import Table

FILE_COLUMN = "_file"


@dataclass(frozen=True, slots=True)
class ParquetTables:
    """Reads and writes tables of an object store; whatever is read or written obeys its schema."""

    store: ObjectStore

    def exists(self, table: Table, day: date) -> bool:
        """Whether the day was ever committed, be it empty."""
        return self.store.exists(object_keys.table_key(table.name, day))

    def days(self, table: str) -> list[date]:
        """Days that were committed of the table of this name, in order."""
        objects = self.store.list(f"{object_keys.TABLES}/{table}")
        days = (object_keys.day_of(found.key) for found in objects)
        return sorted(day for day in days if day is not None)

    def schema_of(self, table: str, day: date) -> pl.Schema:
        """Columns and types as a day has them, which may differ from what the table's schema says today."""
        uri = self.store.uri(object_keys.table_key(table, day))
        try:
            return pl.scan_parquet(uri, glob=False).collect_schema()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise TableError(f"{uri} cannot be read as Parquet: {error}; {ADVICE}") from error

    def read(self, table: Table, day: date) -> pl.DataFrame:
        """A day's rows; `TableError` when the day was never committed, is unreadable or breaks the schema."""
        if not self.exists(table, day):
            raise TableError(f"{table.name} has no {day}: materialize {table.name} for that day first")
        return self._validated(table, day, self.scan_files([object_keys.table_key(table.name, day)]))

    def read_or_empty(self, table: Table, day: date) -> pl.DataFrame:
        """A day's rows, none when the day was never committed."""
        return self.read(table, day) if self.exists(table, day) else table.schema.create_empty()

    def replace(self, table: Table, day: date, rows: pl.DataFrame) -> None:
        """Commit a day; readers see the former rows or these."""
        self.write_file(object_keys.table_key(table.name, day), table, day, [rows])

    def replace_if_changed(self, table: Table, day: date, rows: pl.DataFrame) -> bool:
        """Commit a day unless it already holds exactly these rows; say whether anything was written."""
        ordered = rows.select(table.schema.column_names()).sort(table.primary_key)
        if self.exists(table, day) and self._holds(table, day, ordered):
            return False
        self.replace(table, day, ordered)
        return True

    def _holds(self, table: Table, day: date, rows: pl.DataFrame) -> bool:
        try:
            return self.scan_files([object_keys.table_key(table.name, day)]).equals(rows)
        except TableError:
            # What is computed whole from other tables need not be restored: it is made anew.
            return False

    def write_file(self, key: ObjectKey, table: Table, day: date, parts: Iterable[pl.DataFrame]) -> None:
        """Write parts, which follow each other in key order, to one file without holding all of them."""
        with self.store.writing(key) as target:
            files = []
            for number, part in enumerate(parts):
                files.append(target.with_name(f"{number:06}.parquet"))
                with _explained_write(key):
                    self._validated(table, day, part).write_parquet(files[-1])
            if len(files) == 1:
                files[0].replace(target)
            else:
                with _explained_write(key):
                    pl.scan_parquet(files, glob=False).sink_parquet(target, maintain_order=True)

    def scan_files(
        self,
        keys: Sequence[ObjectKey],
        columns: Sequence[str] | None = None,
        where: pl.Expr | None = None,
    ) -> pl.DataFrame:
        """Rows of several files of one table, with `FILE_COLUMN` when columns are chosen by name.

        Raises `ObjectNotFoundError` when one has gone, `TableError` when one is not Parquet.
        """
        lazy = pl.scan_parquet(
            [self.store.uri(key) for key in keys],
            glob=False,
            include_file_paths=FILE_COLUMN if columns else None,
            extra_columns="ignore",
            missing_columns="insert",
        )
        lazy = lazy if where is None else lazy.filter(where)
        lazy = lazy.select([*columns, FILE_COLUMN]) if columns else lazy
        try:
            return lazy.collect(engine="streaming")
        except FileNotFoundError as error:
            raise ObjectNotFoundError(str(error)) from error
        except pl.exceptions.PolarsError as error:
            raise TableError(f"{self._unreadable(keys)} cannot be read as Parquet: {error}; {ADVICE}") from error
        except OSError as error:
            raise StorageError(f"cannot read {', '.join(keys[:3])}: {error}") from error

    def _unreadable(self, keys: Sequence[ObjectKey]) -> str:
        for key in keys:
            try:
                pl.read_parquet_metadata(self.store.uri(key))
            except (pl.exceptions.PolarsError, OSError):
                return self.store.uri(key)
        return ", ".join(keys)

    def _validated(self, table: Table, day: date, rows: pl.DataFrame) -> pl.DataFrame:
        try:
            return table.schema.validate(rows)
        except (dy.exc.ValidationError, dy.exc.SchemaError) as error:
            raise TableError(f"rows of {table.name} for {day} break its schema: {error}; {ADVICE}") from error


@contextmanager
def _explained_write(key: ObjectKey) -> Iterator[None]:
    try:
        yield
    except pl.exceptions.PolarsError as error:
        raise StoreUnavailableError(f"cannot write {key!r}: {error}; free some space and run again") from error


ADVICE = "restore the file or delete it and materialize the day again; other tables are untouched"
