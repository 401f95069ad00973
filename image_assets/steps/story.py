"""Everything the lake knows of one image: where it came from, what became of it, and why."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from image_assets.ids import ObjectKey, SourceUri
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.decisions import read_decisions
from image_assets.steps.landing import list_landing
from image_assets.steps.rejections import rejecting_stages
from image_assets.tables.columns import UUID_PATTERN
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import REJECTED_IMAGES, rejections_table
from image_assets.tables.table import Table

_UUID = re.compile(UUID_PATTERN.strip("^$"))
_LINEAGE = {"day", "input_version", "recipe_version", "processed_at"}
_AT_LAST = datetime.max.replace(tzinfo=UTC)
_UNTOLD = _LINEAGE | {"image_id", "source_uri", "embedding", "item", "stage"}


@dataclass(frozen=True, slots=True)
class Subject:
    """Which file a story is about; `image_id` is None when it never became an image."""

    image_id: str | None
    source_uri: str
    day: date


@dataclass(frozen=True, slots=True)
class Chapter:
    """One thing that happened to the image.

    Attributes:
        at: when; None where nobody noted it.
        where: the table, `landing` or `reviews`.
        what: in one word: uploaded, accepted, made, rejected, decided.
        facts: what is known, by column.
        objects: files that came of it, and whether they are still there.
        recipe_version: what made the row; None for what no recipe made.
    """

    at: datetime | None
    where: str
    what: str
    facts: Mapping[str, object]
    objects: Mapping[str, bool]
    recipe_version: str | None = None


def find_subjects(tables: ParquetTables, text: str) -> list[Subject]:
    """The files that a text means: an image_id or a path that holds one, an upload's path, a name, a file's bytes.

    The first of these readings that finds anything decides.
    """
    for where in _readings(tables, text):
        found = _recorded(tables, where)
        if found:
            return found
    return _not_taken_in(tables, text)


def tell_story(tables: ParquetTables, schemas: Sequence[Table], subject: Subject) -> list[Chapter]:
    """What is known of a subject, in the order in which it happened.

    Args:
        tables: the lake's tables.
        schemas: the tables to look into; those without images are passed over.
        subject: of `find_subjects`.
    """
    chapters = list(_upload(tables, subject))
    for table in schemas:
        if subject.image_id and "image_id" in table.schema.column_names() and table != REJECTED_IMAGES:
            what = "accepted" if table == BRONZE_IMAGES else "made"
            chapters += [_chapter(tables, table.name, what, row) for row in _rows(tables, table.name, subject)]
    for stage in rejecting_stages(tables):
        rows = _rows(tables, rejections_table(stage).name, subject)
        chapters += [_chapter(tables, stage, "rejected", row) for row in rows]
    chapters += _decisions(tables, subject)
    return sorted(chapters, key=lambda chapter: chapter.at or _AT_LAST)


def _readings(tables: ParquetTables, text: str) -> Iterator[pl.Expr]:
    if named := _UUID.search(text):
        yield pl.col("image_id") == named.group()
    shown = object_keys.name_as_text(text)
    yield pl.col("source_uri").is_in([shown, object_keys.source_uri_of(_key_of(tables, text))])
    yield pl.col("raw_name") == shown
    if text and "/" not in text:
        yield pl.col("source_uri").str.ends_with(f"/{object_keys.source_uri_of(ObjectKey(text))}")
    if Path(text).is_file():
        yield pl.col("sha256") == hashlib.sha256(Path(text).read_bytes()).hexdigest()


def _key_of(tables: ParquetTables, text: str) -> ObjectKey:
    """A path below the lake's root as a key; another text as it is."""
    root = tables.store.uri(object_keys.LANDING).removesuffix(object_keys.LANDING)
    absolute = str(Path(text).absolute())
    return ObjectKey(absolute.removeprefix(root) if absolute.startswith(root) else text)


def _recorded(tables: ParquetTables, where: pl.Expr) -> list[Subject]:
    """Accepted images, and files rejected at the door, that match."""
    found = [
        Subject(*row)
        for name in (BRONZE_IMAGES.name, rejections_table(BRONZE_IMAGES.name).name)
        for row in _all_days(tables, name, where).iter_rows()
    ]
    return list(dict.fromkeys(found))


def _all_days(tables: ParquetTables, name: str, where: pl.Expr) -> pl.DataFrame:
    columns = ["image_id", "source_uri", "day"]
    keys = [object_keys.table_key(name, day) for day in tables.days(name)]
    is_known = not keys or set(where.meta.root_names()) <= set(tables.schema_of(name, tables.days(name)[-1]))
    if not keys or not is_known:
        return pl.DataFrame(schema=dict.fromkeys(columns))
    return tables.scan_files(keys, columns, where).select(columns)


def _not_taken_in(tables: ParquetTables, text: str) -> list[Subject]:
    """An upload that no run has seen yet."""
    key = _key_of(tables, text)
    day = object_keys.landing_day_of(key)
    return [Subject(None, object_keys.source_uri_of(key), day)] if day and tables.store.exists(key) else []


def _upload(tables: ParquetTables, subject: Subject) -> Iterator[Chapter]:
    """The upload as it lies in the landing zone; nothing once it has left."""
    key = object_keys.key_of(SourceUri(subject.source_uri))
    for file in list_landing(tables.store, subject.day).files:
        if file.source_uri == subject.source_uri:
            facts = {"user_id": file.folder_user, "raw_name": file.name, "size_bytes": file.size_bytes}
            yield Chapter(file.arrived_at, object_keys.LANDING, "uploaded", facts, {key: True})


def _rows(tables: ParquetTables, name: str, subject: Subject) -> Iterator[Mapping[str, Any]]:
    column, value = ("image_id", subject.image_id) if subject.image_id else ("source_uri", subject.source_uri)
    for key in tables.files(name):
        if object_keys.day_of(key) in {subject.day, None}:
            yield from tables.scan_files([key], where=pl.col(column) == value).iter_rows(named=True)


def _chapter(tables: ParquetTables, where: str, what: str, row: Mapping[str, Any]) -> Chapter:
    told = {column: value for column, value in row.items() if column not in _UNTOLD and value is not None}
    paths = [ObjectKey(value) for column, value in told.items() if column.endswith("_path")]
    objects: dict[str, bool] = {path: tables.store.exists(path) for path in paths}
    facts = {column: value for column, value in told.items() if not column.endswith("_path")}
    return Chapter(row.get("processed_at"), where, what, facts, objects, row.get("recipe_version"))


def _decisions(tables: ParquetTables, subject: Subject) -> Iterator[Chapter]:
    decisions = read_decisions(tables.store, subject.day).filter(image_id=subject.image_id or "")
    for row in decisions.iter_rows(named=True):
        facts = {"label": row["label"], "decided_by": row["decided_by"]}
        yield Chapter(row["decided_at"], object_keys.REVIEWS, "decided", facts, {})
