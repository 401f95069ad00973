"""Rejections: gathered into one table per day, and forgotten when someone wants files to be tried again."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date

import polars as pl

from image_assets.errors import RejectionReason
from image_assets.ids import ImageId, ObjectKey, SourceUri
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.images.dismissals import RejectedFile, states_of
from image_assets.steps.images.landing import list_landing
from image_assets.steps.increment.checkpoints import checkpoints_of
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import REJECTED_IMAGES, REJECTION_STATES, rejections_table


def gather_rejections(tables: ParquetTables, day: date, stages: Sequence[str]) -> bool:
    """Bring `rejected_images` of a day in line with the stages, in pipeline order; say whether it changed."""

    def gathered() -> pl.DataFrame:
        found = [tables.read_or_empty(rejections_table(stage), day) for stage in stages]
        rows = pl.concat(found).unique("item", keep="first", maintain_order=True)
        return rows.with_columns(state=pl.Series(_states(tables, day, rows), dtype=_STATE))

    return tables.replace_if_changed(REJECTED_IMAGES, day, gathered)


def read_rejected(tables: ParquetTables, day: date) -> pl.DataFrame:
    """`rejected_images` of a day, none when it was never gathered; without a state, as older days are, all are open."""
    if not tables.exists(REJECTED_IMAGES, day):
        return REJECTED_IMAGES.schema.create_empty()
    rows = tables.scan_files([object_keys.table_key(REJECTED_IMAGES.name, day)])
    return rows if "state" in rows.columns else rows.with_columns(state=pl.lit("open", dtype=_STATE))


def _states(tables: ParquetTables, day: date, rows: pl.DataFrame) -> list[str]:
    """Junk goes with its upload; an original that could not be read, or whose worker died, is no junk."""
    columns = ["day", "item", "source_uri", "image_id", "input_version"]
    files = [RejectedFile(*row) for row in rows.select(columns).iter_rows()]
    landed = {file.source_uri for file in list_landing(tables.store, day).files} if files else set()
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


def rejecting_stages(tables: ParquetTables) -> list[str]:
    """Every stage that ever committed its rejections, whatever encoder or model it has in its name."""
    prefix = f"{object_keys.TABLES}/{rejections_table('').name}"
    found = (info.key.removeprefix(prefix).rpartition("/")[0] for info in tables.store.list(prefix.rstrip("/")))
    return sorted({stage for stage in found if stage})


def count_rejections(tables: ParquetTables, day: date, stages: Sequence[str], reasons: Collection[str]) -> int:
    """How many files that the stages refused for these reasons can be tried again."""
    where = pl.col("reason").cast(pl.String).is_in(list(reasons))
    return sum(again.height for _, again in _retriable(tables, day, stages, where))


def forget_rejections(tables: ParquetTables, day: date, stages: Sequence[str], reasons: Collection[str]) -> int:
    """Forget why files were refused, so that the next run tries them again; say how many.

    A file that has left the landing zone cannot be tried again: its rejection is all that is known of it and stays.
    """
    return _forget(tables, _retriable(tables, day, stages, pl.col("reason").cast(pl.String).is_in(list(reasons))))


def forget_rejections_of(tables: ParquetTables, day: date, image_ids: Collection[ImageId]) -> int:
    """Forget why later stages refused images whose files were repaired; say how many rows."""
    stages = [stage for stage in rejecting_stages(tables) if stage != BRONZE_IMAGES.name] if image_ids else []
    # Of a file that could not even be read no id is known.
    is_one = pl.col("image_id").is_in(list(image_ids)).fill_null(value=False)
    return _forget(tables, _retriable(tables, day, stages, is_one))


def _forget(tables: ParquetTables, found: Iterator[tuple[ObjectKey, pl.DataFrame]]) -> int:
    forgotten = 0
    for key, again in found:
        tables.remove_rows(key, pl.col("item").is_in(again.get_column("item").implode()))
        forgotten += again.height
    return forgotten


def _retriable(
    tables: ParquetTables, day: date, stages: Sequence[str], where: pl.Expr
) -> Iterator[tuple[ObjectKey, pl.DataFrame]]:
    """A file and the rows of it to try again, for committed rejections and those of an interrupted run."""
    for stage in stages:
        table = rejections_table(stage)
        committed = [object_keys.table_key(table.name, day)] if tables.exists(table, day) else []
        for key in [*committed, *checkpoints_of(tables, table, day)]:
            rows = tables.scan_files([key]).filter(where)
            again = _still_landed(tables.store, rows) if stage == BRONZE_IMAGES.name else rows
            if again.height:
                yield key, again.select("item")


def _still_landed(store: ObjectStore, rows: pl.DataFrame) -> pl.DataFrame:
    is_there = [store.exists(object_keys.key_of(SourceUri(uri))) for uri in rows.get_column("source_uri")]
    return rows.filter(pl.Series(is_there, dtype=pl.Boolean))
