"""Where an image of the lake is: its day and its owner, from its id alone."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from image_assets.ids import ImageId
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.images.uploads import user_folder
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import rejections_of
from image_assets.tables.table import Table
from image_assets.tables.upkeep import ERASURES


@dataclass(frozen=True, slots=True)
class Location:
    """The day of an image, and whose it is; `is_erased` when there is a certificate of it.

    Attributes:
        day: of its upload.
        user_id: who uploaded it, of an accepted image.
        source_uri: where a refused file was found: its folder says whose it is.
        is_erased: whether there is a certificate of it.
    """

    day: date
    user_id: str | None = None
    source_uri: str | None = None
    is_erased: bool = False

    def is_of(self, user_id: str) -> bool:
        """Whether a user uploaded it; nobody is known to have uploaded what was erased."""
        prefixes = object_keys.landing_prefix(self.day), object_keys.registered_prefix(self.day)
        folders = tuple(f"{prefix}/{user_folder(user_id)}/" for prefix in prefixes)
        return self.user_id == user_id or bool(self.source_uri and self.source_uri.startswith(folders))


def locate(tables: ParquetTables, image_id: ImageId, days: Collection[date] | None = None) -> Location | None:
    """Where an image is, accepted, refused or erased; None when the lake has never seen it.

    Args:
        tables: the lake's tables.
        image_id: which image.
        days: the only ones on which it may be; all of them, when nothing is known of that.
    """
    is_it, door = pl.col("image_id") == image_id, rejections_of(BRONZE_IMAGES)

    def found(table: Table, *columns: str) -> Iterator[tuple[Any, ...]]:
        its = None if days is None else [day for day in days if tables.exists(table, day)]
        return tables.scan(table, ["day", *columns], its, is_it).iter_rows()

    # Of one whose erasure is under way, or was cut off, nobody is shown what is left.
    for (day,) in found(ERASURES):
        return Location(day, is_erased=True)
    for day, user_id in found(BRONZE_IMAGES, "user_id"):
        return Location(day, user_id=user_id)
    for day, source_uri in found(door, "source_uri"):
        return Location(day, source_uri=source_uri)
    return None
