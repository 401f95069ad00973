"""A day's rows in numbers: bytes, means and small histograms, named so that Dagster plots them over time."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import dagster as dg
import numpy as np
import polars as pl

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.tables.table import Table

_BINS = 24
_BARS = "▁▂▃▄▅▆▇█"
_FOUR_DIGITS = 1_000


def describe_distributions(tables: ParquetTables, table: Table, day: date) -> Mapping[str, dg.MetadataValue[Any]]:
    """Recipes of the rows, bytes of their files, and the mean and histogram of each column of fractions."""
    columns = table.schema.columns()
    measures = [name for name, column in columns.items() if column.dtype in {pl.Float32(), pl.Float64()}]
    sizes = [name for name in ("size_bytes",) if name in columns]
    rows = tables.scan(table, ["recipe_version", *sizes, *measures], [day])
    if rows.is_empty():
        return {}
    numbers = {name: rows.get_column(name).drop_nulls() for name in measures}
    drawn = {name: values for name, values in numbers.items() if len(values)}
    return {
        "recipe_versions": dg.MetadataValue.text(", ".join(sorted(set(rows.get_column("recipe_version"))))),
        **{f"total_{name}": dg.MetadataValue.int(int(rows.get_column(name).sum())) for name in sizes},
        **{f"mean_{name}": dg.MetadataValue.float(_rounded(values)) for name, values in drawn.items()},
        **({"distributions": dg.MetadataValue.md(_table(drawn))} if drawn else {}),
    }


def _rounded(values: pl.Series) -> float:
    """The mean, to four digits that a person can read."""
    return float(f"{values.to_numpy().mean():.4g}")


def _table(numbers: Mapping[str, pl.Series]) -> str:
    rows = [f"| {name} | {_bounds(values)} | `{_drawn(values)}` |" for name, values in numbers.items()]
    return "\n".join(["| column | 1 % / median / 99 % | images |", "|---|---|---|", *rows])


def _bounds(values: pl.Series) -> str:
    bounds = np.quantile(values.to_numpy(), (0.01, 0.5, 0.99))
    return " / ".join(f"{bound:.3g}" if abs(bound) < _FOUR_DIGITS else f"{bound:.0f}" for bound in bounds)


def _drawn(values: pl.Series) -> str:
    """A histogram between the first and the last per cent, in letters: so short that the UI shows it at once."""
    low, high = np.quantile(values.to_numpy(), (0.01, 0.99))
    counts, _ = np.histogram(np.clip(values.to_numpy(), low, high), _BINS)
    heights = np.ceil(counts / counts.max() * (len(_BARS) - 1)).astype(int)
    return "".join(_BARS[height] for height in heights)
