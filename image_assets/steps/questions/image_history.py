"""Everything the lake knows of one image: where it came from, what became of it, and why."""

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from image_assets.ids import ObjectKey, SourceUri
from image_assets.labels import normalise_name
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.classification.opinions import Kind, read_opinions
from image_assets.steps.images.dismissals import read_dismissals
from image_assets.steps.images.landing import list_landing
from image_assets.steps.images.rejected_files import find_rejected, list_rejected
from image_assets.steps.increment.retries import rejecting_stages
from image_assets.tables.columns import GIVEN, UUID_PATTERN
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import REJECTED_IMAGES, rejections_of, rejections_table
from image_assets.tables.table import Table

_UUID = re.compile(UUID_PATTERN.strip("^$"))
_DONE = {Kind.LABEL: "decided", Kind.ACCEPT: "accepted", Kind.SKIP: "skipped", Kind.UNDO: "taken back"}
_OF_OPINION = ("label", "decided_by", "predicted_label", "model_version")
_AT_LAST = datetime.max.replace(tzinfo=UTC)
_UNTOLD = GIVEN | {"image_id", "source_uri", "embedding", "item", "stage"}


@dataclass(frozen=True, slots=True)
class Subject:
    """Which file a story is about; `image_id` is None when it never became an image."""

    image_id: str | None
    source_uri: str
    day: date


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to the image.

    Attributes:
        at: when; None where nobody noted it.
        where: the table, `landing`, `reviews` or `dismissals`.
        what: in a word or two: uploaded, accepted, made, rejected, decided, skipped, taken back, dismissed.
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


def tell_history(tables: ParquetTables, schemas: Sequence[Table], subject: Subject) -> list[Event]:
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
            chapters += [_event(tables, table.name, what, row) for row in _rows(tables, table.name, subject)]
    for stage in rejecting_stages(tables):
        rows = _rows(tables, rejections_table(stage).name, subject)
        chapters += [_event(tables, stage, "rejected", row) for row in rows]
    chapters += [*_decisions(tables, subject), *_dismissals(tables, subject)]
    return sorted(chapters, key=lambda chapter: chapter.at or _AT_LAST)


def _readings(tables: ParquetTables, text: str) -> Iterator[pl.Expr]:
    if named := _UUID.search(text):
        yield pl.col("image_id") == named.group()
    shown = object_keys.name_as_text(text)
    yield pl.col("source_uri").is_in([shown, *(object_keys.source_uri_of(key) for key in _keys_of(tables, text))])
    yield pl.col("raw_name").str.normalize("NFC") == normalise_name(shown)
    if text and "/" not in text:
        ends = [f"/{object_keys.source_uri_of(ObjectKey(name))}" for name in _forms_of(text)]
        yield pl.any_horizontal(pl.col("source_uri").str.ends_with(end) for end in ends)
        # What was refused at the door has no row that tells what its sidecar calls it.
        called = find_rejected(tables, list_rejected(tables, None, ()), text)
        yield pl.col("source_uri").is_in([file.source_uri for file in called])
    if Path(text).is_file():
        yield pl.col("sha256") == hashlib.sha256(Path(text).read_bytes()).hexdigest()


def _keys_of(tables: ParquetTables, text: str) -> list[ObjectKey]:
    """A path below the lake's root as a key, another text as it is, in every form that accents may have."""
    root = tables.store.uri(object_keys.LANDING).removesuffix(object_keys.LANDING)
    absolute = text if text.startswith(root) else str(Path(text).absolute())
    path = absolute.removeprefix(root) if absolute.startswith(root) else text
    return [ObjectKey(form) for form in _forms_of(path)]


def _forms_of(text: str) -> list[str]:
    return list(dict.fromkeys([text, normalise_name(text), unicodedata.normalize("NFD", text)]))


def _recorded(tables: ParquetTables, where: pl.Expr) -> list[Subject]:
    """Accepted images, and files rejected at the door, that match."""
    found = [
        Subject(*row)
        for table in (BRONZE_IMAGES, rejections_of(BRONZE_IMAGES))
        for row in _all_days(tables, table, where).iter_rows()
    ]
    return list(dict.fromkeys(found))


def _all_days(tables: ParquetTables, table: Table, where: pl.Expr) -> pl.DataFrame:
    """No row of a table that does not have what is asked for."""
    days = tables.days(table.name)
    is_known = not days or set(where.meta.root_names()) <= set(tables.schema_of(table.name, days[-1]))
    return tables.scan(table, ["image_id", "source_uri", "day"], days if is_known else (), where)


def _not_taken_in(tables: ParquetTables, text: str) -> list[Subject]:
    """An upload that no run has seen yet."""
    return [
        Subject(None, object_keys.source_uri_of(key), day)
        for key in _keys_of(tables, text)
        if (day := object_keys.landing_day_of(key)) and tables.store.exists(key)
    ]


def _upload(tables: ParquetTables, subject: Subject) -> Iterator[Event]:
    """The upload as it lies in the landing zone; nothing once it has left."""
    key = object_keys.key_of(SourceUri(subject.source_uri))
    for file in list_landing(tables.store, subject.day).files:
        if file.source_uri == subject.source_uri:
            facts = {"user_id": file.folder_user, "raw_name": file.name, "size_bytes": file.size_bytes}
            yield Event(file.arrived_at, object_keys.LANDING, "uploaded", facts, {key: True})


def _rows(tables: ParquetTables, name: str, subject: Subject) -> Iterator[Mapping[str, Any]]:
    column, value = ("image_id", subject.image_id) if subject.image_id else ("source_uri", subject.source_uri)
    for key in tables.files(name):
        if object_keys.day_of(key) in {subject.day, None}:
            yield from tables.scan_files([key], where=pl.col(column) == value).iter_rows(named=True)


def _event(tables: ParquetTables, where: str, what: str, row: Mapping[str, Any]) -> Event:
    told = {column: value for column, value in row.items() if column not in _UNTOLD and value is not None}
    paths = [ObjectKey(value) for column, value in told.items() if column.endswith("_path")]
    objects: dict[str, bool] = {path: tables.store.exists(path) for path in paths}
    facts = {column: value for column, value in told.items() if not column.endswith("_path")}
    return Event(row.get("processed_at"), where, what, facts, objects, row.get("recipe_version"))


def _dismissals(tables: ParquetTables, subject: Subject) -> Iterator[Event]:
    for word in read_dismissals(tables.store, subject.day).values():
        if (subject.image_id and word.image_id == subject.image_id) or word.source_uri == subject.source_uri:
            what = "dismissed" if word.is_dismissed else "not dismissed any more"
            facts = {"note": word.note, "decided_by": word.decided_by}
            yield Event(datetime.fromisoformat(word.decided_at), object_keys.DISMISSALS, what, facts, {})


def _decisions(tables: ParquetTables, subject: Subject) -> Iterator[Event]:
    for each in read_opinions(tables.store, subject.day):
        if each.image_id == subject.image_id:
            facts = {name: value for name in _OF_OPINION if (value := getattr(each, name))}
            yield Event(each.decided_at, object_keys.REVIEWS, _DONE[each.kind or Kind.LABEL], facts, {})
