"""What a new recipe changed: a day's table beside the same day as a former recipe had made it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

import numpy as np
import polars as pl
from polars import selectors as cs

from image_assets.errors import ConfigurationError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.tables.columns import GIVEN

_KEY = "image_id"
_NOT_COMPARED = {_KEY, *GIVEN}
_Files: TypeAlias = Sequence[ObjectKey]


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """How a column differs in images that both have.

    Attributes:
        column: its name.
        changed: images whose value is another now.
        mean_difference: over the changed ones, absolute; of vectors the Euclidean distance; None for what is no number.
        largest_difference: the same, at most.
    """

    column: str
    changed: int
    mean_difference: float | None
    largest_difference: float | None


@dataclass(frozen=True, slots=True)
class TableDiff:
    """How a day's table differs from a former one; `changed` images differ in any column that both have."""

    table: str
    day: date
    against: str
    images: int
    added: int
    removed: int
    changed: int
    columns: tuple[ColumnChange, ...]
    new_columns: tuple[str, ...]
    gone_columns: tuple[str, ...]


def tables_with_history(tables: ParquetTables, day: date) -> list[str]:
    """Tables of which a former file of the day is kept."""
    prefix = f"{object_keys.TABLES}/{object_keys.HISTORY}"
    found = (info.key.removeprefix(f"{prefix}/").split(f"/{day}/") for info in tables.store.list(prefix))
    return sorted({table for table, *below in found if below})


def diff_day(tables: ParquetTables, table: str, day: date, against: str | None = None) -> TableDiff:
    """Compare a day's table with what a former recipe had made of the day, the last one unless another is named.

    Raises:
        ConfigurationError: no such file is kept.
    """
    known = tables.former_recipes(table, day)
    version = against or next(iter(known), None)
    if version not in known:
        kept = f"kept are {', '.join(known)}" if known else "nothing is kept of that day"
        raise ConfigurationError(f"no {table} of {day} by recipe {version or 'before'}; {kept}")
    listed = tables.store.list(object_keys.history_prefix(table, day))
    before = [info.key for info in listed if info.key.endswith(f"/{version}.parquet")]
    return _diff(tables, table, day, version, tables.keys(table, day), before)


def _diff(tables: ParquetTables, table: str, day: date, version: str, now: _Files, before: _Files) -> TableDiff:
    ids = [tables.scan_files(keys, [_KEY]).get_column(_KEY) for keys in (now, before)]
    names = [[name for name in tables.file_schema(keys[0]) if name not in _NOT_COMPARED] for keys in (now, before)]
    touched: set[str] = set()
    columns = []
    for name in (name for name in names[0] if name in names[1]):
        rows = _changed(tables, name, now, before)
        touched.update(rows.get_column(_KEY))
        columns.append(ColumnChange(name, rows.height, *_sizes(rows)))
    return TableDiff(
        table=table,
        day=day,
        against=version,
        images=ids[0].len(),
        added=len(set(ids[0]) - set(ids[1])),
        removed=len(set(ids[1]) - set(ids[0])),
        changed=len(touched),
        columns=tuple(columns),
        new_columns=tuple(name for name in names[0] if name not in names[1]),
        gone_columns=tuple(name for name in names[1] if name not in names[0]),
    )


def _changed(tables: ParquetTables, name: str, now: _Files, before: _Files) -> pl.DataFrame:
    """`image_id`, `now` and `before` where they differ; a column at a time, because vectors may be gigabytes."""
    both = [tables.scan_files(keys, [_KEY, name]) for keys in (now, before)]
    rows = both[0].rename({name: "now"}).join(both[1].rename({name: "before"}), on=_KEY)
    # A closed list of words may have other words now; what has another type is another value, unless both are numbers.
    rows = rows.with_columns(cs.enum().cast(pl.String))
    is_comparable = rows.schema["now"] == rows.schema["before"] or _are_numbers(rows)
    return rows.filter(pl.col("now").ne_missing(pl.col("before"))) if is_comparable else rows


def _are_numbers(rows: pl.DataFrame) -> bool:
    return rows.schema["now"].is_numeric() and rows.schema["before"].is_numeric()


def _sizes(rows: pl.DataFrame) -> tuple[float | None, float | None]:
    """Mean and largest difference; None of either where there is none to measure."""
    rows = rows.drop_nulls(["now", "before"])
    are_vectors = isinstance(rows.schema["now"], pl.Array) and rows.schema["now"] == rows.schema["before"]
    if rows.is_empty() or not (are_vectors or _are_numbers(rows)):
        return None, None
    now, before = (rows.get_column(name).to_numpy().astype(np.float64) for name in ("now", "before"))
    distance = np.abs(now - before) if now.ndim == 1 else np.linalg.norm(now - before, axis=1)
    return float(distance.mean()), float(distance.max())
