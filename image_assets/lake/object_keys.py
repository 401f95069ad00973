"""The name of every object in the lake; built from ids and days only, never from a user's text."""

import os
from datetime import date
from urllib.parse import quote, unquote_to_bytes

from image_assets.ids import ImageId, ObjectKey, SourceUri

LANDING = "landing"
MANIFESTS = "_manifests"
TABLES = "tables"
CHECKPOINTS = "_checkpoints"
WAREHOUSE = ObjectKey("warehouse.duckdb")
WAREHOUSE_VERSION = ObjectKey("warehouse.version")


def landing_prefix(day: date) -> str:
    """The folder that holds a day's uploads."""
    return f"{LANDING}/{day:%Y-%m-%d}"


def bronze_key(day: date, image_id: ImageId, extension: str) -> ObjectKey:
    """An original, byte for byte; `extension` comes from the content's format."""
    return ObjectKey(f"bronze/{day:%Y/%m/%d}/{image_id}.{extension}")


def silver_key(day: date, image_id: ImageId) -> ObjectKey:
    """The cleansed image."""
    return ObjectKey(f"silver/{day:%Y/%m/%d}/{image_id}.jpg")


def thumbnail_key(image_id: ImageId) -> ObjectKey:
    """The thumbnail; the two-digit folder keeps directories small."""
    return ObjectKey(f"thumbnail/{image_id[:2]}/{image_id}.webp")


def preview_key(image_id: ImageId) -> ObjectKey:
    """The watermarked preview."""
    return ObjectKey(f"watermarked/{image_id[:2]}/{image_id}.jpg")


def table_key(table: str, day: date) -> ObjectKey:
    """One table's rows of one day."""
    return ObjectKey(f"{TABLES}/{table}/{day:%Y-%m-%d}.parquet")


def day_of(key: ObjectKey) -> date | None:
    """The day of a table's file; None for whatever else lies in its folder."""
    name = key.rpartition("/")[2]
    try:
        return date.fromisoformat(name.removesuffix(".parquet")) if name.endswith(".parquet") else None
    except ValueError:
        return None


def checkpoint_prefix(table: str, day: date) -> str:
    """The folder of finished chunks of an interrupted step."""
    return f"{TABLES}/{CHECKPOINTS}/{table}/{day:%Y-%m-%d}"


def source_uri_of(key: ObjectKey) -> SourceUri:
    """Percent-encode a key: file names need not be valid text, a column of a table must be."""
    return SourceUri(quote(os.fsencode(key)))


def key_of(source_uri: SourceUri) -> ObjectKey:
    """The inverse of `source_uri_of`."""
    return ObjectKey(os.fsdecode(unquote_to_bytes(source_uri)))
