"""Rejections are forgotten when someone wants files to be tried again."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from image_assets.ids import ImageId, ObjectKey, SourceUri
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.increment.checkpoints import checkpoints_of
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import rejections_table


def rejecting_stages(tables: ParquetTables) -> list[str]:
    """Every stage that ever committed its rejections, whatever encoder or model it has in its name."""
    family = rejections_table("").name.rstrip("/")
    found = (object_keys.table_of(info.key) for info in tables.store.list(f"{object_keys.TABLES}/{family}"))
    return sorted({stage for name in found if (stage := name.removeprefix(f"{family}/")) and stage != name})


def count_rejections(tables: ParquetTables, day: date, stages: Sequence[str], reasons: Collection[str]) -> int:
    """How many files that the stages refused for these reasons can be tried again."""
    where = pl.col("reason").cast(pl.String).is_in(list(reasons))
    return len({item for _, again in _retriable(tables, day, stages, where) for item in again.get_column("item")})


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


def forget_rejections_of_items(tables: ParquetTables, day: date, items: Collection[str]) -> int:
    """Forget why these files were refused, at whichever stage, so that the next run tries them again; say how many."""
    return _forget(tables, _retriable(tables, day, rejecting_stages(tables), pl.col("item").is_in(list(items))))


def is_tried_again(tables: ParquetTables, refused: Mapping[str, Any]) -> bool:
    """Whether the next run tries a file again; of it a row of `rejected_images` says `day`, `stage` and `item`."""
    table = rejections_table(refused["stage"])
    keys = tables.keys(table.name, refused["day"])
    return bool(keys) and refused["item"] not in tables.scan_files(keys, ["item"])["item"]


def _forget(tables: ParquetTables, found: Iterator[tuple[ObjectKey, pl.DataFrame]]) -> int:
    forgotten: set[str] = set()
    for key, again in found:
        tables.remove_rows(key, pl.col("item").is_in(again.get_column("item").implode()))
        # A file may be refused at several stages, and in a checkpoint beside the table.
        forgotten.update(again.get_column("item"))
    return len(forgotten)


def _retriable(
    tables: ParquetTables, day: date, stages: Sequence[str], where: pl.Expr
) -> Iterator[tuple[ObjectKey, pl.DataFrame]]:
    """A file and the rows of it to try again, for committed rejections and those of an interrupted run."""
    for stage in stages:
        table = rejections_table(stage)
        for key in [*tables.keys(table.name, day), *checkpoints_of(tables, table, day)]:
            rows = tables.scan_files([key]).filter(where)
            again = _still_landed(tables.store, rows) if stage == BRONZE_IMAGES.name else rows
            if again.height:
                yield key, again.select("item")


def _still_landed(store: ObjectStore, rows: pl.DataFrame) -> pl.DataFrame:
    is_there = [store.exists(object_keys.key_of(SourceUri(uri))) for uri in rows.get_column("source_uri")]
    return rows.filter(pl.Series(is_there, dtype=pl.Boolean))
