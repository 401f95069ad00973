"""The objects behind rows: a row that names a file is current only while the file is there with its size."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from image_assets.lake.object_store import ObjectStore


def _always(_store: ObjectStore, _row: Mapping[str, Any]) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Backing:
    """Where the objects of a table's rows are.

    Attributes:
        column: names the object; its size is in `size_bytes`.
        others: columns that `can_be_made` is told besides.
        can_be_made: whether the object of a row can be made again; if not, the row stays, the last that is known of it.
    """

    column: str
    others: tuple[str, ...] = ()
    can_be_made: Callable[[ObjectStore, Mapping[str, Any]], bool] = _always

    @property
    def columns(self) -> list[str]:
        """What has to be read of a row."""
        return [self.column, "size_bytes", *self.others]

    def backed(self, store: ObjectStore, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows that need not be made again."""
        lost = lost_rows(store, rows, self.column)
        again = [row["at"] for row in lost.iter_rows(named=True) if self.can_be_made(store, row)]
        return rows.with_row_index("at").filter(~pl.col("at").is_in(again)).drop("at") if again else rows


def lost_rows(store: ObjectStore, rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Rows whose object is gone or of another size: `at` is their place, `found_bytes` the size, null if gone."""
    sizes = store.sizes(rows.get_column(column))
    found = pl.Series([sizes.get(key) for key in rows.get_column(column)], dtype=pl.UInt64)
    numbered = rows.with_row_index("at").with_columns(found_bytes=found)
    return numbered.filter(pl.col("found_bytes").ne_missing(pl.col("size_bytes").cast(pl.UInt64)))
