"""Columns of labels in their normal form, whoever wrote them and whenever."""

import polars as pl

from image_assets.labels import normalise_label


def plain_label(column: str) -> pl.Expr:
    """A column's labels in their normal form; null where nothing is left of one."""
    return pl.col(column).map_batches(_normalised, return_dtype=pl.String, is_elementwise=True)


def _normalised(labels: pl.Series) -> pl.Series:
    known = labels.cast(pl.String).drop_nulls().unique()
    plain = pl.Series([normalise_label(label) or None for label in known], dtype=pl.String)
    return labels.cast(pl.String).replace_strict(known, plain, default=None, return_dtype=pl.String)
