"""The day in numbers, in long form."""

from datetime import date
from functools import partial

import polars as pl

from image_assets.lake.litter import is_litter
from image_assets.lake.object_keys import landing_prefix
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.gold.rejections import read_rejected
from image_assets.steps.images.registered import is_manifest
from image_assets.tables.gold import DAILY_SUMMARY, GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES

UNLABELLED = "(none)"
_FLAGS = {"duplicates": "is_duplicate", "to_review": "needs_review"}


def summarise_day(tables: ParquetTables, day: date) -> bool:
    """Bring `daily_summary` of a day in line with bronze, gold and rejections; say whether it changed."""
    return tables.replace_if_changed(DAILY_SUMMARY, day, partial(_summary, tables, day))


def _summary(tables: ParquetTables, day: date) -> pl.DataFrame:
    bronze = tables.scan(BRONZE_IMAGES, ["format"], [day])
    refused = read_rejected(tables, day)
    rejected = refused.filter(state="open")
    gold = tables.scan(GOLD_IMAGES, ["state", "label", *_FLAGS.values()], [day])
    at_landing = refused.filter(stage=BRONZE_IMAGES.name).height
    # Every file seen is accepted, rejected, or was rejected once and is gone or dismissed; an image that a late stage
    # rejected is in gold, marked as an error.
    seen, accepted = bronze.height + at_landing, gold.filter(pl.col("state") != "error").height
    outcomes = {"seen": seen, "accepted": accepted, "rejected": rejected.height}
    outcomes |= {state: refused.filter(state=state).height for state in ("gone", "dismissed")}
    landed = tables.store.list(landing_prefix(day))
    outcomes["passed_over"] = sum(is_litter(info.key) and not is_manifest(info, day) for info in landed)
    flagged = {name: gold.filter(pl.col(flag)).height for name, flag in _FLAGS.items()}
    counts = [
        _rows("outcome", {**outcomes, "gold": gold.height, **flagged}),
        _counted("reason", rejected.get_column("reason")),
        _counted("stage", rejected.get_column("stage")),
        _counted("state", gold.get_column("state")),
        _counted("label", gold.get_column("label").fill_null(UNLABELLED)),
        _counted("format", bronze.get_column("format")),
    ]
    return pl.concat(counts).with_columns(day=pl.lit(day), kind=pl.col("kind").cast(_column("kind")))


def _counted(kind: str, values: pl.Series) -> pl.DataFrame:
    counts = values.cast(pl.String).value_counts()
    return _rows(kind, dict(counts.iter_rows()))


def _rows(kind: str, counts: dict[str, int]) -> pl.DataFrame:
    rows = [(kind, name, images) for name, images in counts.items()]
    return pl.DataFrame(rows, schema={"kind": pl.String, "name": pl.String, "images": pl.UInt32}, orient="row")


def _column(name: str) -> pl.DataType:
    return DAILY_SUMMARY.schema.columns()[name].dtype
