"""The uploads of one user, newest first, from the moment on at which they were answered: pending, refused or taken in.

What is pending is told by receipts, the rest by the tables of each day: of a day only the user's rows are read, and no
day behind the page.
"""

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from operator import itemgetter
from typing import Any, Final

import polars as pl

from image_assets.errors import ObjectNotFoundError
from image_assets.ids import ImageId, ObjectKey, SourceUri
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.images.receipts import Receipt, read_receipt
from image_assets.steps.images.sidecar import MAX_SIDECAR_BYTES, parse_sidecar
from image_assets.steps.images.uploads import user_folder
from image_assets.steps.increment.recipe import version_of
from image_assets.steps.increment.retries import is_tried_again
from image_assets.steps.questions.image_record import ImageState, is_indexed, state_of
from image_assets.tables.embeddings import embeddings_name
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import REJECTED_IMAGES, rejections_of

_REMEMBERED: Final = 50_000
"""Receipts, each less than a kilobyte; of more the others are read at every look."""
_DOOR: Final = rejections_of(BRONZE_IMAGES)
_TAKEN_IN: Final = ("image_id", "source_uri", "raw_name", "label", "uploaded_at")
_REFUSED: Final = ("image_id", "source_uri", "reason", "detail", "processed_at")
_REFUSED_LATER: Final = (*_REFUSED, "day", "stage", "item")
_END_US: Final = 10**18


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody sent.

    Attributes:
        image_id: None for a file that was refused before its bytes were read.
        day: the partition.
        source_uri: where it was found.
        raw_name: what its user called it.
        label: what its user said that it shows, while it was not refused.
        uploaded_at: when; of a refused file, when it came to lie where it was found.
        state: how far it has come.
        reason: why a stage refused it, of the closed list.
        detail: what was found, and what is allowed.
    """

    image_id: ImageId | None
    day: date
    source_uri: SourceUri
    raw_name: str
    label: str | None
    uploaded_at: datetime
    state: ImageState
    reason: str | None = None
    detail: str | None = None

    @property
    def mark(self) -> str:
        """Sorts as the list does: the latest day first, of a day what came last first."""
        age_us = _END_US - int(self.uploaded_at.timestamp() * 1e6)
        return f"{date.max.toordinal() - self.day.toordinal():07d} {age_us:018d} {version_of(self.source_uri)}"


@dataclass(frozen=True, slots=True)
class UploadChoice:
    """Whose uploads, and in which states; all of them for None. The encoder is the one in use."""

    user_id: str
    encoder: str
    state: ImageState | None = None


@dataclass(frozen=True, slots=True)
class UploadsPage:
    """Some uploads, and the mark of the page after them; None when there is none."""

    uploads: Sequence[Upload]
    after: str | None


class UserUploads:
    """The uploads of a lake; may be shared by threads."""

    def __init__(self, tables: ParquetTables) -> None:
        self._tables = tables
        self._receipts: dict[ObjectKey, Receipt | None] = {}
        self._looking = threading.Lock()

    def page(self, choice: UploadChoice, days: Iterable[date], count: int, after: str = "") -> UploadsPage:
        """The uploads of some days behind a mark."""
        found = list[tuple[str, Upload]]()
        newest_first = sorted(days, reverse=True)
        waiting = self._waiting(newest_first, choice.user_id)
        for day in newest_first:
            if choice.state is not ImageState.PENDING or waiting[day]:
                its = ((each.mark, each) for each in self._of_day(choice, day, waiting[day]))
                chosen = ((mark, each) for mark, each in its if mark > after and choice.state in {None, each.state})
                found += sorted(chosen, key=itemgetter(0))
            if len(found) > count:
                break
        shown = [self._named(each) for _, each in found[:count]]
        return UploadsPage(shown, found[count - 1][0] if len(found) > count else None)

    def _of_day(self, choice: UploadChoice, day: date, receipts: Iterable[Receipt]) -> Iterator[Upload]:
        """What the tables know, and what they do not know yet."""
        accepted = self._rows(BRONZE_IMAGES.name, day, _TAKEN_IN, pl.col("user_id") == choice.user_id)
        folder = ObjectKey(f"{object_keys.landing_prefix(day)}/{user_folder(choice.user_id)}")
        registered = f"{object_keys.registered_prefix(day)}/{user_folder(choice.user_id)}/"
        is_theirs = pl.any_horizontal(pl.col("source_uri").str.starts_with(each) for each in (f"{folder}/", registered))
        refused = self._rows(_DOOR.name, day, _REFUSED, is_theirs)
        yield from self._taken_in(choice, day, accepted)
        yield from self._refused(day, folder, refused)
        known = {row["source_uri"] for row in (*accepted, *refused)}
        store = self._tables.store
        for each in receipts:
            if each.source_uri not in known and store.exists(object_keys.key_of(each.source_uri)):
                yield _pending(each)

    def _taken_in(self, choice: UploadChoice, day: date, rows: Sequence[Mapping[str, Any]]) -> Iterator[Upload]:
        if not rows:
            return
        ids = pl.col("image_id").is_in([row["image_id"] for row in rows])
        gold = {row["image_id"]: row for row in self._rows(GOLD_IMAGES.name, day, ("image_id", "state"), ids)}
        refused = {row["image_id"]: row for row in self._rows(REJECTED_IMAGES.name, day, _REFUSED_LATER, ids)}
        vectors = self._rows(embeddings_name(choice.encoder), day, ("image_id",), ids)
        embedded, has_index = {row["image_id"] for row in vectors}, is_indexed(self._tables, day, choice.encoder)
        for row in rows:
            image_id, why = row["image_id"], refused.get(row["image_id"])
            is_embedded = image_id in embedded
            state = state_of(gold.get(image_id), why, is_embedded=is_embedded, is_indexed=is_embedded and has_index)
            if why and is_tried_again(self._tables, why):
                state, why = ImageState.PENDING, None
            told = {name: why[name] for name in ("reason", "detail")} if why else {}
            yield Upload(**row, day=day, state=state, **told)

    def _refused(self, day: date, folder: ObjectKey, rows: Sequence[Mapping[str, Any]]) -> Iterator[Upload]:
        """Files refused at the door; when they came says the landing zone, while they lie there."""
        arrived = {info.key: info.arrived_at for info in self._tables.store.list(folder)} if rows else {}
        for row in rows:
            key = object_keys.key_of(row["source_uri"])
            yield Upload(
                image_id=row["image_id"],
                day=day,
                source_uri=row["source_uri"],
                raw_name=object_keys.name_as_text(key.rpartition("/")[2]),
                label=None,
                uploaded_at=arrived.get(key, row["processed_at"]),
                state=ImageState.ERROR,
                reason=row["reason"],
                detail=row["detail"],
            )

    def _named(self, upload: Upload) -> Upload:
        """As its user calls it: of a file that bronze does not have, the sidecar says so."""
        if upload.state not in {ImageState.ERROR, ImageState.PENDING}:
            return upload
        told = _sidecar_name(self._tables.store, object_keys.key_of(upload.source_uri))
        return replace(upload, raw_name=told) if told else upload

    def _waiting(self, days: Collection[date], user_id: str) -> Mapping[date, list[Receipt]]:
        """The user's receipts by day; each is read once, because it says the same for as long as it is there."""
        store = self._tables.store
        keys = [info.key for day in days for info in store.list(object_keys.receipt_prefix(day))]
        with self._looking:
            known = {key: self._receipts[key] if key in self._receipts else read_receipt(store, key) for key in keys}
            self._receipts = dict(list(known.items())[:_REMEMBERED])
        found: dict[date, list[Receipt]] = {day: [] for day in days}
        for each in known.values():
            if each is not None and each.user_id == user_id:
                found[date.fromisoformat(each.day)].append(each)
        return found

    def _rows(self, table: str, day: date, columns: Sequence[str], where: pl.Expr) -> Sequence[Mapping[str, Any]]:
        keys = self._tables.keys(table, day)
        return self._tables.scan_files(keys, columns, where).to_dicts() if keys else ()


def _pending(receipt: Receipt) -> Upload:
    return Upload(
        image_id=receipt.image_id,
        day=date.fromisoformat(receipt.day),
        source_uri=receipt.source_uri,
        raw_name=receipt.raw_name,
        label=receipt.label,
        uploaded_at=datetime.fromisoformat(receipt.received_at).astimezone(UTC),
        state=ImageState.PENDING,
    )


def _sidecar_name(store: ObjectStore, key: ObjectKey) -> str | None:
    try:
        return parse_sidecar(store.read_start(object_keys.sidecar_key(key), MAX_SIDECAR_BYTES + 1)).raw_name
    except ObjectNotFoundError:
        return None
