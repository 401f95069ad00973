"""Where an image of the lake is: its day and its owner, from its id alone."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from image_assets.ids import ImageId
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.images.uploads import user_folder
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import rejections_of
from image_assets.tables.upkeep import ERASURES


@dataclass(frozen=True, slots=True)
class Location:
    """The day of an image, and whose it is; `is_erased` when nothing but a certificate is left.

    Attributes:
        day: of its upload.
        user_id: who uploaded it, of an accepted image.
        source_uri: where a refused file was found: its folder says whose it is.
        is_erased: whether nothing but a certificate is left.
    """

    day: date
    user_id: str | None = None
    source_uri: str | None = None
    is_erased: bool = False

    def is_of(self, user_id: str) -> bool:
        """Whether a user uploaded it; nobody is known to have uploaded what was erased."""
        folder = f"{object_keys.landing_prefix(self.day)}/{user_folder(user_id)}/"
        return self.user_id == user_id or bool(self.source_uri and self.source_uri.startswith(folder))


def locate(tables: ParquetTables, image_id: ImageId) -> Location | None:
    """Where an image is, accepted, refused or erased; None when the lake has never seen it."""
    is_it = pl.col("image_id") == image_id
    for day, erased_at in tables.scan(ERASURES, ["day", "erased_at"], where=is_it).iter_rows():
        if erased_at:
            return Location(day, is_erased=True)
    for day, user_id in tables.scan(BRONZE_IMAGES, ["day", "user_id"], where=is_it).iter_rows():
        return Location(day, user_id=user_id)
    for day, source_uri in tables.scan(rejections_of(BRONZE_IMAGES), ["day", "source_uri"], where=is_it).iter_rows():
        return Location(day, source_uri=source_uri)
    return None
