"""Finding images by what people and programs call them: an id, its beginning, the name of the upload."""

import re
from collections.abc import Sequence
from datetime import date
from typing import TypeAlias

import polars as pl

from image_assets.ids import ImageId
from image_assets.labels import normalise_name
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.images.short_ids import whole_id
from image_assets.tables.columns import UUID_PATTERN
from image_assets.tables.images import BRONZE_IMAGES

NamedImages: TypeAlias = dict[str, list[tuple[ImageId, date]]]
"""The images, with their days, that carry each name."""
_ID = re.compile(UUID_PATTERN)
# Days are looked through for so few ids only; more are found faster in the tables.
_FEW = 100


def find_images(tables: ParquetTables, names: Sequence[str]) -> NamedImages:
    """The accepted images that each name means, names in the form in which they are compared.

    Raises:
        AmbiguousImageError: it is one name, and several ids begin so.
    """
    if names and all(_ID.fullmatch(name) for name in names):
        return _by_id(tables, names)
    # Only a person types the beginning of an id; a file has whole ones.
    whole = {name: whole_id(tables, name) if len(names) == 1 else name for name in names}
    asked = [normalise_name(name) for name in whole.values()]
    where = pl.col("image_id").is_in(asked) | pl.col("raw_name").str.normalize("NFC").is_in(asked)
    found: NamedImages = {}
    for image_id, raw_name, day in tables.scan(BRONZE_IMAGES, ["image_id", "raw_name", "day"], where=where).iter_rows():
        found.setdefault(image_id, []).append((image_id, day))
        found.setdefault(normalise_name(raw_name), []).append((image_id, day))
    return found | {normalise_name(name): found[each] for name, each in whole.items() if each in found}


def _by_id(tables: ParquetTables, names: Sequence[str]) -> NamedImages:
    """Most have a cleansed picture, whose key has the day in it; the others are looked for in every day."""
    days, ids = tables.days(BRONZE_IMAGES.name), [ImageId(name) for name in names]
    likely = {day for day in days if len(ids) <= _FEW and _has_any(tables, day, ids)}
    found = _in_days(tables, sorted(likely), ids)
    missing = [each for each in ids if each not in found]
    return found | (_in_days(tables, [day for day in days if day not in likely], missing) if missing else {})


def _has_any(tables: ParquetTables, day: date, ids: Sequence[ImageId]) -> bool:
    return bool(tables.store.sizes(object_keys.silver_key(day, each) for each in ids))


def _in_days(tables: ParquetTables, days: Sequence[date], ids: Sequence[ImageId]) -> NamedImages:
    rows = tables.scan(BRONZE_IMAGES, ["image_id", "day"], days, pl.col("image_id").is_in(ids)) if days else None
    return {image_id: [(image_id, day)] for image_id, day in rows.iter_rows()} if rows is not None else {}
