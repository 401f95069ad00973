"""Whether files and rows agree over the whole lake, and the removal of what killed runs left behind."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from image_assets.lake import object_keys
from image_assets.lake.local_object_store import STAGING
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES, THUMBNAILS, WATERMARKED_PREVIEWS
from image_assets.tables.table import Table
from image_assets.tables.upkeep import ARCHIVED_ORIGINALS

FOLDERS = (
    (object_keys.BRONZE, BRONZE_IMAGES, "raw_path"),
    (object_keys.SILVER, SILVER_IMAGES, "cleansed_path"),
    (object_keys.THUMBNAILS, THUMBNAILS, "thumbnail_path"),
    (object_keys.PREVIEWS, WATERMARKED_PREVIEWS, "preview_path"),
)
"""Folder, the table whose rows name its objects, and the column that does."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Where the objects of a folder and the rows of its table differ.

    Attributes:
        folder: name of the folder.
        objects: how many there are.
        orphans: keys of objects that no row names; left by replaced uploads and runs that were killed.
        ghosts: keys that a row names and no object has: run their days again.
    """

    folder: str
    objects: int
    orphans: tuple[str, ...]
    ghosts: tuple[str, ...]


def reconcile(tables: ParquetTables, before: datetime) -> list[Disagreement]:
    """Compare every folder of images with its table; younger orphans may belong to a run that is under way."""
    return [_compare(tables, folder, table, column, before) for folder, table, column in FOLDERS]


def sweep_staging(tables: ParquetTables, before: datetime) -> int:
    """Delete what runs that were killed left in the staging folder; how many files."""
    left = [info.key for info in tables.store.list(STAGING) if info.arrived_at < before]
    for key in left:
        tables.store.delete(key)
    return len(left)


def _compare(tables: ParquetTables, folder: str, table: Table, column: str, before: datetime) -> Disagreement:
    found = [(info.key, info.arrived_at) for info in tables.store.list(folder)]
    objects = pl.DataFrame(found, schema={"key": pl.String, "arrived_at": pl.Datetime("us", "UTC")}, orient="row")
    named = _named(tables, table, column)
    orphans = objects.filter(pl.col("arrived_at") < before).join(named, on="key", how="anti")
    gone = named.join(objects, on="key", how="anti").join(_archived(tables), on="key", how="anti")
    return Disagreement(folder, objects.height, _sorted(orphans), _sorted(gone))


def _named(tables: ParquetTables, table: Table, column: str) -> pl.DataFrame:
    """Keys in committed rows and in chunks of interrupted runs."""
    chunks = tables.files(f"{object_keys.CHECKPOINTS}/{table.name}")
    files = [*tables.files(table.name), *(key for key in chunks if tables.is_parquet(key))]
    if not files:
        return pl.DataFrame(schema={"key": pl.String})
    return tables.scan_files(files, [column]).select(pl.col(column).alias("key")).unique()


def _archived(tables: ParquetTables) -> pl.DataFrame:
    """Keys of originals that are in the archive only."""
    days = [tables.read(ARCHIVED_ORIGINALS, day) for day in tables.days(ARCHIVED_ORIGINALS.name)]
    rows = pl.concat(days) if days else ARCHIVED_ORIGINALS.schema.create_empty()
    return rows.filter(pl.col("restored_at").is_null()).select("key")


def _sorted(rows: pl.DataFrame) -> tuple[str, ...]:
    return tuple(rows.get_column("key").sort())
