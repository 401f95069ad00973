"""Found images as a page to look at: one HTML file that needs no other."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from image_assets.errors import ObjectNotFoundError
from image_assets.ids import ObjectKey
from image_assets.lake.object_store import ObjectStore
from image_assets.pages import Picture, render

_TEMPLATE = Path(__file__).with_name("search_sheet.html.jinja")


@dataclass(frozen=True, slots=True)
class _Card:
    """A picture, its score and its row of gold; no picture when its thumbnail is not there."""

    picture: Picture | None
    score: float | None
    words: str
    row: Mapping[str, object]


def render_sheet(store: ObjectStore, title: str, rows: pl.DataFrame) -> str:
    """HTML of `SearchPage.rows`; whatever users wrote is escaped."""
    cards = [
        _Card(_picture(store, row), row["score"], ", ".join(row["words"]), row) for row in rows.iter_rows(named=True)
    ]
    return render(_TEMPLATE, title=title, cards=cards)


def _picture(store: ObjectStore, row: Mapping[str, object]) -> Picture | None:
    if row["thumbnail_path"] is None:
        return None
    try:
        thumbnail = store.read(ObjectKey(str(row["thumbnail_path"])))
    except ObjectNotFoundError:
        return None
    return Picture(thumbnail, str(row["image_id"]), None, None)
