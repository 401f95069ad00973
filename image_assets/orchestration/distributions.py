"""A day's rows in numbers: bytes, means and small histograms, named so that Dagster plots them over time."""

import base64
import io
from collections.abc import Mapping
from datetime import date
from typing import Any

import dagster as dg
import numpy as np
import polars as pl
from PIL import Image, ImageDraw

from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.tables.table import Table

_BINS, _BIN_PX, _HEIGHT_PX = 24, 6, 48
_FOUR_DIGITS = 1_000
_BAR, _PAPER = "#4f43dd", "#ffffff"


def describe_distributions(tables: ParquetTables, table: Table, day: date) -> Mapping[str, dg.MetadataValue[Any]]:
    """Recipes of the rows, bytes of their files, and the mean and histogram of each column of fractions."""
    columns = table.schema.columns()
    measures = [name for name, column in columns.items() if column.dtype in {pl.Float32(), pl.Float64()}]
    sizes = [name for name in ("size_bytes",) if name in columns]
    rows = tables.scan_files([object_keys.table_key(table.name, day)], ["recipe_version", *sizes, *measures])
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
    rows = [f"| {name} | {_bounds(values)} | {_picture(values)} |" for name, values in numbers.items()]
    return "\n".join(["| column | 1 % / median / 99 % | images |", "|---|---|---|", *rows])


def _bounds(values: pl.Series) -> str:
    bounds = np.quantile(values.to_numpy(), (0.01, 0.5, 0.99))
    return " / ".join(f"{bound:.3g}" if abs(bound) < _FOUR_DIGITS else f"{bound:.0f}" for bound in bounds)


def _picture(values: pl.Series) -> str:
    """A histogram between the first and the last per cent, as a picture inside Markdown; a few hundred bytes."""
    low, high = np.quantile(values.to_numpy(), (0.01, 0.99))
    counts, _ = np.histogram(np.clip(values.to_numpy(), low, high), _BINS)
    picture = Image.new("P", (_BINS * _BIN_PX, _HEIGHT_PX))
    picture.putpalette([*bytes.fromhex(_PAPER[1:]), *bytes.fromhex(_BAR[1:])])
    draw = ImageDraw.Draw(picture)
    for number, height in enumerate(np.ceil(counts / counts.max() * (_HEIGHT_PX - 1)).astype(int)):
        if height:
            left = number * _BIN_PX
            draw.rectangle((left, _HEIGHT_PX - height, left + _BIN_PX - 2, _HEIGHT_PX), fill=1)
    data = io.BytesIO()
    picture.save(data, "PNG", optimize=True)
    return f"![{len(values)}](data:image/png;base64,{base64.b64encode(data.getvalue()).decode()})"
