"""A folder tree of links, one folder per predicted category, for people who browse with a file manager."""

import hashlib
import re
from datetime import date

from image_assets.errors import ConfigurationError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.tiered_object_store import hot_tier
from image_assets.tables.gold import GOLD_IMAGES

TREE = "by_category"


def link_by_category(tables: ParquetTables, day: date) -> int:
    """Bring the day's tree of relative links in line with gold; how many links it has.

    Raises:
        ConfigurationError: the lake is not in a folder.
    """
    store = hot_tier(tables.store)
    if not isinstance(store, LocalObjectStore):
        raise ConfigurationError("IMAGE_ASSETS_CATEGORY_LINKS needs a lake in a local folder; use by_category.csv")
    shown = tables.read(GOLD_IMAGES, day).drop_nulls(["predicted_label", "cleansed_path"])
    rows = shown.select("predicted_label", "image_id", "cleansed_path").iter_rows()
    wanted = {_link_key(day, label, image_id): ObjectKey(path) for label, image_id, path in rows}
    for found in store.list(object_keys.report_key(day, TREE)):
        if found.key not in wanted:
            store.delete(found.key)
    for key, target in wanted.items():
        store.link(key, target)
    return len(wanted)


def _link_key(day: date, category: str, image_id: str) -> ObjectKey:
    return object_keys.report_key(day, f"{TREE}/{folder_of(category)}/{image_id}.jpg")


def folder_of(category: str) -> str:
    """A safe folder name; categories are users' words, so whatever is not plain is told apart by a hash."""
    plain = re.sub(r"[^a-z0-9]+", "-", category.lower()).strip("-")
    if plain and plain == category:
        return plain
    return f"{plain or 'category'}-{hashlib.sha256(category.encode()).hexdigest()[:8]}"
