"""The image that the beginning of an id means, as tables in the terminal show it."""

import re
from collections.abc import Iterable

import polars as pl

from image_assets.errors import AmbiguousImageError
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.images.receipts import pending_ids
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import rejections_of
from image_assets.tables.upkeep import ERASURES

_BEGINNING = re.compile(r"[0-9a-f]{8}(-[0-9a-f-]{0,26})?")


def is_beginning(text: str) -> bool:
    """Whether a text may stand for an id that begins so: eight digits at least, and not all of them."""
    return bool(_BEGINNING.fullmatch(text))


def the_one(beginning: str, ids: Iterable[str]) -> str | None:
    """The only id among some that begins so; None when none does.

    Raises:
        AmbiguousImageError: several do.
    """
    found = {each for each in ids if each.startswith(beginning)}
    if len(found) > 1:
        raise AmbiguousImageError(f"the ids of {len(found)} images begin with {beginning}: write more of it")
    return next(iter(found), None)


def ids_beginning(tables: ParquetTables, beginning: str) -> set[str]:
    """Ids that begin so, pending or known to a table."""
    begins_so = pl.col("image_id").str.starts_with(beginning)
    known = (BRONZE_IMAGES, rejections_of(BRONZE_IMAGES), ERASURES)
    found = {
        name for table in known for name in tables.scan(table, ["image_id"], where=begins_so).get_column("image_id")
    }
    return found | {name for name in pending_ids(tables.store) if name.startswith(beginning)}


def whole_id(tables: ParquetTables, text: str) -> str:
    """The id that begins so, pending or known to a table; the text itself when it is no beginning or fits nothing.

    Raises:
        AmbiguousImageError: several ids begin so.
    """
    if not is_beginning(text):
        return text
    return the_one(text, ids_beginning(tables, text)) or text
