"""What a classifier is given of an image of the lake: the same as when its day was predicted."""

from datetime import date

import polars as pl

from image_assets.errors import TableError
from image_assets.ids import ImageId, ObjectKey
from image_assets.imaging.pixels import RgbImage
from image_assets.imaging.read_back import read_pixels
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.classifiers.classifier import ClassifierInput, Reads
from image_assets.models.encoders.encoder import Embedding, EncoderDescription
from image_assets.steps.images.original import read_verified
from image_assets.steps.vectors.stored_vectors import vectors_of
from image_assets.tables.images import SILVER_IMAGES


def stored_input(
    tables: ParquetTables, image_id: ImageId, day: date, reads: Reads, encoder: EncoderDescription
) -> ClassifierInput:
    """The vector, or the cleansed picture, of an image of a day.

    Raises:
        TableError: there is none yet.
        ImageError: the cleansed picture is not what its row says.
    """
    if reads is Reads.EMBEDDING:
        return _vector(tables, image_id, day, encoder)
    return _picture(tables, image_id, day)


def _vector(tables: ParquetTables, image_id: ImageId, day: date, encoder: EncoderDescription) -> Embedding:
    stored = vectors_of(tables, encoder)
    rows = stored.read_whole(pl.DataFrame({"image_id": [image_id], "day": [day]}))
    if rows.is_empty():
        raise _missing(image_id, day, stored.table.name)
    vector: Embedding = rows.get_column("embedding").to_numpy()[0]
    return vector


def _picture(tables: ParquetTables, image_id: ImageId, day: date) -> RgbImage:
    days = [day] if tables.exists(SILVER_IMAGES, day) else []
    rows = tables.scan(SILVER_IMAGES, ["cleansed_path", "sha256"], days, pl.col("image_id") == image_id)
    if rows.is_empty():
        raise _missing(image_id, day, SILVER_IMAGES.name)
    path, sha256 = rows.row(0)
    return read_pixels(read_verified(tables.store, ObjectKey(path), sha256))


def _missing(image_id: ImageId, day: date, table: str) -> TableError:
    told = f"{image_id} is not in {table} of {day} yet: ask again after the day's next run"
    return TableError(told, table=table, day=day)
