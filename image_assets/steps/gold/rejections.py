"""Rejections of all stages, gathered into one table per day."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from image_assets.errors import RejectionReason
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.classification.predictions import prediction_stages
from image_assets.steps.images.dismissals import RejectedFile, states_of
from image_assets.steps.images.landing_lots import LandingZone
from image_assets.steps.images.lots import day_lots
from image_assets.tables.chain import CHAIN
from image_assets.tables.embeddings import IMAGE_EMBEDDINGS, embeddings_name
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.predictions import IMAGE_PREDICTIONS
from image_assets.tables.rejections import REJECTED_IMAGES, REJECTION_STATES, rejections_table


def stopping_stages(tables: ParquetTables, day: date, encoder: str) -> list[str]:
    """Tables whose rejections count, in pipeline order: that of the wanted encoder, that of the day's current model."""
    versions = {IMAGE_EMBEDDINGS: [embeddings_name(encoder)], IMAGE_PREDICTIONS: prediction_stages(tables, day)}
    return [name for table in CHAIN.tables(stopping=True) for name in versions.get(table.name, [table.name])]


def gather_rejections(tables: ParquetTables, day: date, stages: Sequence[str]) -> bool:
    """Bring `rejected_images` of a day in line with the stages, in pipeline order; say whether it changed."""

    def gathered() -> pl.DataFrame:
        found = [tables.read_or_empty(rejections_table(stage), day) for stage in stages]
        rows = pl.concat(found).unique("item", keep="first", maintain_order=True)
        return rows.with_columns(state=pl.Series(_states(tables, day, rows), dtype=_STATE))

    return tables.replace_if_changed(REJECTED_IMAGES, day, gathered)


def read_rejected(tables: ParquetTables, day: date) -> pl.DataFrame:
    """`rejected_images` of a day, none when it was never gathered; without a state, as older days are, all are open."""
    keys = tables.keys(REJECTED_IMAGES.name, day)
    if not keys:
        return REJECTED_IMAGES.no_rows
    rows = tables.scan_files(keys)
    return rows if "state" in rows.columns else rows.with_columns(state=pl.lit("open", dtype=_STATE))


def _states(tables: ParquetTables, day: date, rows: pl.DataFrame) -> list[str]:
    """Junk goes with its upload; an original that could not be read, or whose worker died, is no junk."""
    columns = ["day", "item", "source_uri", "image_id", "input_version"]
    files = [RejectedFile(*row) for row in rows.select(columns).iter_rows()]
    lots = day_lots(tables, day) if files else ()
    landing = LandingZone(tables.store, day, len(lots))
    landed = {file.source_uri for lot in lots for file in landing.of(lot).files}
    is_junk = (pl.col("stage") == BRONZE_IMAGES.name) | pl.col("reason").cast(pl.String).is_in(_OF_THE_BYTES)
    junk = rows.select(is_junk).to_series()
    gone = [file for file, is_it in zip(files, junk, strict=True) if is_it and file.source_uri not in landed]
    return states_of(tables.store, day, files, gone)


_STATE = pl.Enum(REJECTION_STATES)
_OF_THE_BYTES = [
    reason.value
    for reason in (
        RejectionReason.NOT_AN_IMAGE,
        RejectionReason.UNSUPPORTED_FORMAT,
        RejectionReason.TRUNCATED,
        RejectionReason.CORRUPT,
    )
]
"""Why a later stage refuses a file for what it is."""
