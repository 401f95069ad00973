"""What is finished of a run, so many outcomes at a time: written before the next ones are worked on.

Chunks are put together as they come, so that few files are opened at the end however many rows there are.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import chain
from typing import Final, TypeAlias
from uuid import uuid4

import numpy as np
import polars as pl

from image_assets.compute.outcomes import Done, Failed
from image_assets.errors import TableError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.increment.outcome import Item, Outcome, TableValues
from image_assets.steps.increment.stock import Stock, Target
from image_assets.tables.rejections import rejections_of
from image_assets.tables.table import Table

_PUT_TOGETHER: Final = 64
"""So many chunks become one: 16,000 rows, if each has 256."""

NewRow: TypeAlias = tuple[Table, Mapping[str, object]]
"""A row without day and time, and where it goes."""


@dataclass(frozen=True, slots=True)
class ChunkWriter:
    """Writes what is finished of a day; a run's chunks begin alike, and it knows those that it has `written`.

    Those that are `small` are put together when there are enough of them.
    """

    tables: ParquetTables
    stocks: Sequence[Stock]
    day: date
    run: str
    written: defaultdict[str, list[ObjectKey]] = field(default_factory=lambda: defaultdict(list))
    small: defaultdict[str, list[ObjectKey]] = field(default_factory=lambda: defaultdict(list))

    @property
    def key(self) -> str:
        """The column of the inputs that names an item."""
        return self.stocks[0].target.key

    def rows_of(self, outcome: Outcome) -> list[NewRow]:
        """What an outcome says to each table that wants its item."""
        wanting = [stock for stock in self.stocks if stock.target.table.name in outcome.item.wanted]
        if isinstance(outcome, Failed):
            return [(rejections_of(stock.target.table), _rejected_row(stock, outcome)) for stock in wanting]
        return [(stock.target.table, _computed_row(stock.target, outcome)) for stock in wanting]

    def write(self, chunk: Iterable[Iterable[NewRow]]) -> None:
        """Put the rows of some outcomes into one file per table."""
        # The images behind the rows must be on disk before the rows say so.
        self.tables.store.flush()
        rows: defaultdict[Table, list[Mapping[str, object]]] = defaultdict(list)
        for table, row in chain.from_iterable(chunk):
            rows[table].append(row)
        for table, some in rows.items():
            made = {"day": self.day, "processed_at": datetime.now(UTC)}
            self.small[table.name].append(self._keep(table, _frame(table, [{**row, **made} for row in some])))
            if len(self.small[table.name]) == _PUT_TOGETHER:
                self._put_together(table)

    def _keep(self, table: Table, rows: pl.DataFrame) -> ObjectKey:
        folder = object_keys.checkpoint_prefix(table.name, self.day, self.tables.lot)
        key = ObjectKey(f"{folder}/{self.run}-{uuid4().hex}.parquet")
        self.tables.write_file(key, table, self.day, [rows])
        self.written[table.name].append(key)
        return key

    def _put_together(self, table: Table) -> None:
        """A kill in between leaves the same rows in two files, which count once."""
        parts = self.small.pop(table.name)
        self._keep(table, self.tables.scan_files(parts).select(table.schema.column_names()))
        for key in parts:
            self.tables.store.delete(key)
            self.written[table.name].remove(key)


def _computed_row(target: Target, outcome: Done[Item, TableValues]) -> dict[str, object]:
    given = {name: outcome.item.row[name] for name in (target.key, "input_version")}
    return {**given, "recipe_version": target.recipe_version, **outcome.result.get(target.table.name, {})}


def _rejected_row(stock: Stock, outcome: Failed[Item]) -> dict[str, object]:
    target, row, error = stock.target, outcome.item.row, outcome.error
    item = row[target.key]
    version = stock.rejection_version(item, row["input_version"], error.reason)
    known = {name: row.get(name) for name in ("image_id", "source_uri", "sha256", "size_bytes", "input_version")}
    why = {"stage": target.table.name, "reason": error.reason.value, "detail": error.detail}
    return {"item": item, **known, **why, "recipe_version": version, **error.facts}


def _frame(table: Table, rows: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    columns = table.schema.columns()
    try:
        return pl.DataFrame({name: _series([row[name] for row in rows], columns[name].dtype) for name in columns})
    except (KeyError, TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise TableError(
            f"a computed row of {table.name} lacks or mistypes a column: {error!r}; a bug", table=table.name
        ) from error


def _series(values: list[object], dtype: pl.DataType) -> pl.Series:
    if isinstance(values[0], np.ndarray):
        return pl.Series(np.stack([value for value in values if isinstance(value, np.ndarray)]))
    return pl.Series(values, dtype=dtype)
