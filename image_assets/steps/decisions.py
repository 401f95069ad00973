"""What people decided: append-only objects, so that no run, no model and no second opinion loses a decision."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
from polars._typing import PolarsDataType

from image_assets.errors import ConfigurationError, TableError
from image_assets.ids import ImageId, ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.tables.images import BRONZE_IMAGES

_SCHEMA: dict[str, PolarsDataType] = {
    "image_id": pl.String,
    "label": pl.String,
    "decided_at": pl.Datetime("us", "UTC"),
    "decided_by": pl.String,
}
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's word on an image.

    Attributes:
        image: its image_id, or the name that the user gave the file.
        label: what it shows.
    """

    image: str
    label: str


def record_decisions(
    tables: ParquetTables, decisions: Sequence[Decision], decided_by: str, decided_at: datetime
) -> list[date]:
    """Keep all decisions, or none; the days whose gold they change.

    Raises:
        ConfigurationError: a label is empty, or an image is unknown, or its name fits several.
    """
    found = _find(tables, [decision.image for decision in decisions])
    _refuse(decisions, found)
    days: set[date] = set()
    for decision in decisions:
        ((image_id, day),) = found[decision.image]
        fields = {
            "image_id": image_id,
            "label": decision.label.strip(),
            "decided_at": decided_at.isoformat(),
            "decided_by": decided_by,
        }
        key = object_keys.review_key(day, image_id, decided_at)
        tables.store.write(key, json.dumps(fields, ensure_ascii=False).encode())
        days.add(day)
    tables.store.flush()
    return sorted(days)


def read_decisions(store: ObjectStore, day: date | None = None) -> pl.DataFrame:
    """The latest decision per image, of the images of one day or of all: image_id, label, decided_at, decided_by."""
    prefix = f"{object_keys.REVIEWS}/{day:%Y-%m-%d}" if day else object_keys.REVIEWS
    # An image has one day, and the time ends the key: the last key of an image is its latest decision.
    latest = {key.rpartition("/")[2][:36]: key for key in sorted(found.key for found in store.list(prefix))}
    return pl.DataFrame([_read(store, key) for key in latest.values()], schema=_SCHEMA, orient="row")


def _read(store: ObjectStore, key: ObjectKey) -> dict[str, object]:
    try:
        fields = json.loads(store.read(key))
        known = {name: str(fields[name]) for name in _SCHEMA}
        return {**known, "decided_at": datetime.fromisoformat(known["decided_at"])}
    except (ValueError, TypeError, KeyError) as error:
        raise TableError(f"{store.uri(key)} is no decision: {error!r}; repair it or delete it") from error


def _find(tables: ParquetTables, images: Sequence[str]) -> dict[str, list[tuple[ImageId, date]]]:
    """The images of the lake that carry each id or name."""
    keys = [object_keys.table_key(BRONZE_IMAGES.name, day) for day in tables.days(BRONZE_IMAGES.name)]
    if not keys:
        return {}
    where = pl.any_horizontal(pl.col("image_id", "raw_name").is_in(list(images)))
    rows = tables.scan_files(keys, ["image_id", "raw_name", "day"], where=where)
    found: dict[str, list[tuple[ImageId, date]]] = {}
    for image_id, raw_name, day, _ in rows.iter_rows():
        found.setdefault(image_id, []).append((image_id, day))
        found.setdefault(raw_name, []).append((image_id, day))
    return found


def _refuse(decisions: Sequence[Decision], found: dict[str, list[tuple[ImageId, date]]]) -> None:
    problems = list(_problems(decisions, found))
    if problems:
        more = f"\n  and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        raise ConfigurationError("nothing was kept:\n  " + "\n  ".join(problems[:_NAMED]) + more)


def _problems(decisions: Sequence[Decision], found: dict[str, list[tuple[ImageId, date]]]) -> Iterator[str]:
    for decision in decisions:
        images = found.get(decision.image, [])
        if not images:
            yield f"{decision.image} is no image of this lake"
        elif len(images) > 1:
            yield f"{decision.image} names {len(images)} images, such as {images[0][0]} and {images[1][0]}: give the id"
        if not decision.label.strip():
            yield f"{decision.image} has no label"
