"""What the lake says of one image today: its state, every column that describes it, and what made each of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

import polars as pl

from image_assets.errors import DamagedIndexError
from image_assets.ids import ImageId
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.classification.models_in_use import models_in_use
from image_assets.steps.images.receipts import Receipt
from image_assets.steps.increment.retries import is_tried_again
from image_assets.steps.vectors.index_manifest import read_manifest
from image_assets.tables.chain import CHAIN
from image_assets.tables.embeddings import embeddings_name
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.predictions import predictions_table
from image_assets.tables.rejections import REJECTED_IMAGES, rejections_of

_VECTOR: Final = "embedding"
_PRIVATE: Final = ("source_uri", "raw_path", "sha256", "exif", "sidecar_problem")
_STEP_COLUMNS: Final = ("recipe_version", "input_version", "processed_at")


class ImageState(StrEnum):
    """How far an image has come."""

    PENDING = "pending"
    """Landed: the next run takes it in; or refused, and the next run tries it again."""
    PROCESSING = "processing"
    """Taken in: a run is at work on it, or was."""
    EMBEDDED = "embedded"
    """It has a vector, and can be found by likeness."""
    INDEXED = "indexed"
    """The index in force holds its vector."""
    DONE = "done"
    """Its row of gold is complete, and it is indexed."""
    ERROR = "error"
    """A stage refused it; the reason says why."""
    BLOCKED = "blocked"
    """It may not be shown."""
    ERASED = "erased"
    """Nothing but a certificate is left."""


@dataclass(frozen=True, slots=True)
class MadeRow:
    """A row that a step made of the image.

    Attributes:
        table: where it stands; with the encoder or the model, where there are several.
        recipe_version: of what decided it besides its input.
        input_version: of what it was made from.
        processed_at: when.
    """

    table: str
    recipe_version: str
    input_version: str
    processed_at: datetime


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """An image, by what its day's tables say.

    Attributes:
        image_id: which.
        day: of its upload.
        state: how far it has come.
        reason: of the closed list, of an image that a stage refused.
        detail: what was found, of such an image.
        facts: columns of gold; while there is no such row, columns of bronze under the names that gold gives them.
        private: columns of bronze: where the file came from and lies, and its EXIF.
        predictions: what each model took it for, the one in use last first.
        made: the rows that steps made, in the order of the chain.
    """

    image_id: ImageId
    day: date
    state: ImageState
    reason: str | None
    detail: str | None
    facts: Mapping[str, Any]
    private: Mapping[str, Any]
    predictions: Sequence[Mapping[str, Any]]
    made: Sequence[MadeRow]


def read_image(tables: ParquetTables, image_id: ImageId, day: date, encoder: str) -> ImageRecord | None:
    """What is known of an image that was taken in or refused on a day; None when that day knows no such image."""
    rows = dict(_rows(tables, image_id, day, encoder))
    bronze, gold = rows.get(BRONZE_IMAGES.name), rows.get(GOLD_IMAGES.name)
    told = rows.get(REJECTED_IMAGES.name)
    refused = told or rows.get(rejections_of(BRONZE_IMAGES).name)
    if not (bronze or refused):
        return None
    is_waiting = bool(bronze and told and is_tried_again(tables, told))
    refused = None if is_waiting else refused
    is_embedded, has_index = embeddings_name(encoder) in rows, is_indexed(tables, day, encoder)
    return ImageRecord(
        image_id=image_id,
        day=day,
        state=ImageState.PENDING
        if is_waiting
        else state_of(gold, refused, is_embedded=is_embedded, is_indexed=is_embedded and has_index),
        reason=refused["reason"] if refused else None,
        detail=refused["detail"] if refused else None,
        facts=gold or _as_gold(bronze or {}),
        private={name: (bronze or refused or {}).get(name) for name in _PRIVATE},
        predictions=[row for name, row in rows.items() if name.startswith(f"{predictions_table('').name}")],
        made=[
            MadeRow(name, *(row[column] for column in _STEP_COLUMNS))
            for name, row in rows.items()
            if all(column in row for column in _STEP_COLUMNS)
        ],
    )


def pending_image(receipt: Receipt) -> ImageRecord:
    """An upload that no run has taken in yet."""
    return ImageRecord(
        image_id=receipt.image_id,
        day=date.fromisoformat(receipt.day),
        state=ImageState.PENDING,
        reason=None,
        detail=None,
        facts={
            "user_id": receipt.user_id,
            "raw_name": receipt.raw_name,
            "label": receipt.label,
            "label_source": "supplied" if receipt.label else None,
            "uploaded_at": datetime.fromisoformat(receipt.received_at),
            "sha256": receipt.sha256,
            "original_size_bytes": receipt.size_bytes,
        },
        private={"source_uri": receipt.source_uri},
        predictions=(),
        made=(),
    )


def _rows(tables: ParquetTables, image_id: ImageId, day: date, encoder: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The image's row of every table of its day, without its vector."""
    for name in day_tables(tables, encoder):
        if keys := tables.keys(name, day):
            columns = [column for column in tables.file_schema(keys[0]) if column != _VECTOR]
            if "image_id" in columns:
                found = tables.scan_files(keys, columns, pl.col("image_id") == image_id)
                yield from ((name, row) for row in found.head(1).iter_rows(named=True))


def day_tables(tables: ParquetTables, encoder: str) -> Iterator[str]:
    """Names of a day's tables in the order of the chain; of models the one in use last first."""
    yield rejections_of(BRONZE_IMAGES).name
    for stage in CHAIN:
        if stage.name == "embeddings":
            yield embeddings_name(encoder)
        elif stage.name == "predictions":
            yield from (predictions_table(version).name for version in models_in_use(tables.store))
        else:
            yield from (table.name for table in stage.makes)


def is_indexed(tables: ParquetTables, day: date, encoder: str) -> bool:
    """Whether the index in force was made from the day's vectors as they are."""
    try:
        manifest = read_manifest(tables.store, encoder)
    except DamagedIndexError:
        # What is known of an image does not depend on it.
        return False
    version = tables.version(embeddings_name(encoder), day)
    return manifest is not None and version is not None and manifest.days.get(day.isoformat()) == version


def state_of(
    gold: Mapping[str, Any] | None, refused: Mapping[str, Any] | None, *, is_embedded: bool, is_indexed: bool
) -> ImageState:
    """How far an image has come, by its row of gold and its rejection, if there are any."""
    told = gold["state"] if gold else None
    if told == ImageState.BLOCKED:
        return ImageState.BLOCKED
    if told == ImageState.ERROR or refused:
        return ImageState.ERROR
    if told == ImageState.EMBEDDED and is_indexed:
        return ImageState.DONE
    if is_indexed:
        return ImageState.INDEXED
    return ImageState.EMBEDDED if is_embedded else ImageState.PROCESSING


def _as_gold(bronze: Mapping[str, Any]) -> Mapping[str, Any]:
    """What bronze knows, under the names of gold."""
    names = {name: f"original_{name}" for name in ("width_px", "height_px", "size_bytes")}
    known = GOLD_IMAGES.schema.column_names()
    return {told: value for name, value in bronze.items() if (told := names.get(name, name)) in known}
