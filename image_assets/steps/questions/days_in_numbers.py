"""How many images of each day got how far, and why some did not: what the daily summaries say, a row per day."""

from datetime import date

import polars as pl

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.tables.gold import DAILY_SUMMARY

_ASIDE = ["gone", "dismissed", "passed_over"]
"""Outcomes of files that are neither accepted nor rejected."""


def days_in_numbers(tables: ParquetTables, first: date, last: date) -> pl.DataFrame:
    """By day: seen, accepted, embedded, rejected, and the reasons in words, the most frequent first."""
    days = [day for day in tables.days(DAILY_SUMMARY.name) if first <= day <= last]
    counts = tables.scan(DAILY_SUMMARY, ["day", "kind", "name", "images"], days).with_columns(
        pl.col("kind").cast(pl.String), words=pl.format("{} {}", pl.col("name").str.replace_all("_", " "), "images")
    )
    return (
        counts.sort("images", "name", descending=[True, False])
        .group_by("day", maintain_order=True)
        .agg(
            _count("outcome", "seen"),
            _count("outcome", "accepted"),
            _count("state", "embedded"),
            _count("outcome", "rejected"),
            reasons=pl.format("{} {}", "name", "images").filter(pl.col("kind") == "reason").str.join(", "),
            aside=pl.col("words").filter(_is_aside()).sort().str.join(", "),
        )
        .with_columns(reasons=pl.concat_str(_if_any("reasons"), _if_any("aside"), separator="; ", ignore_nulls=True))
        .drop("aside")
        .sort("day")
    )


def _count(kind: str, name: str) -> pl.Expr:
    return pl.col("images").filter((pl.col("kind") == kind) & (pl.col("name") == name)).first().alias(name)


def _is_aside() -> pl.Expr:
    return (pl.col("kind") == "outcome") & pl.col("name").is_in(_ASIDE) & (pl.col("images") > 0)


def _if_any(column: str) -> pl.Expr:
    return pl.when(pl.col(column) != "").then(pl.col(column))
