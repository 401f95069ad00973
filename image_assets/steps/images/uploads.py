"""Putting files into the landing zone: under names made from ids, with what the user said in a sidecar."""

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, Final, Protocol

import polars as pl

from image_assets.errors import ConfigurationError
from image_assets.ids import ObjectKey, Sha256, SourceUri
from image_assets.labels import normalise_label
from image_assets.lake import object_keys
from image_assets.lake.object_store import ANY_VERSION, ObjectStore
from image_assets.lake.optimism import until_first
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.images.sidecar import AWAITED, MAX_TEXT_LENGTH, parse_sidecar
from image_assets.tables.images import BRONZE_IMAGES

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,5}")
_DIGEST_LENGTH: Final = 32
_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
_NEVER_SEEN: Final[Mapping[ObjectKey, Mapping[str, object]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class UploadFacts:
    """What is known of an upload besides its bytes; texts are values, never paths.

    Without `uploaded_at` it is the instant at which the file is first added; `more` is what else a sidecar says.
    """

    day: date
    user_id: str
    raw_name: str
    uploaded_at: datetime | None = None
    label: str | None = None
    more: Mapping[str, object] = field(default_factory=dict)


def add_upload(
    store: ObjectStore,
    facts: UploadFacts,
    data: bytes,
    remembered: Mapping[ObjectKey, Mapping[str, object]] = _NEVER_SEEN,
) -> ObjectKey:
    """Write the file and its sidecar; the same file under the same name lands once, however often it is added.

    What was said of it before stays until something else is said. Nothing survives a power cut before the store is
    flushed.

    Args:
        store: the lake's objects.
        facts: what is said now.
        data: the file.
        remembered: see `told_before`; of uploads whose sidecar has left the landing zone.

    Raises:
        ConfigurationError: a text is too long for a sidecar.
    """
    key = landing_key(facts, Sha256(hashlib.sha256(data).hexdigest()))
    check_texts(facts)
    tell(store, key, facts, remembered.get(key, _NOTHING), store.write)
    if not is_landed(store, key, len(data)):
        store.write(key, data)
    return key


def landing_key(facts: UploadFacts, sha256: Sha256) -> ObjectKey:
    """Where a file lands: the same file of the same user under the same name, on one day, has one place."""
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"{_digest(facts.raw_name)}\n{sha256[:_DIGEST_LENGTH]}")
    suffix = PurePath(facts.raw_name).suffix
    extension = suffix.lower() if _EXTENSION.fullmatch(suffix) and suffix.lower() != ".json" else ""
    return ObjectKey(f"{object_keys.landing_prefix(facts.day)}/{user_folder(facts.user_id)}/{name}{extension}")


def is_landed(store: ObjectStore, key: ObjectKey, size_bytes: int) -> bool:
    """Whether the whole file lies there already; writing the same bytes again would make it look new."""
    return store.sizes([key]).get(key) == size_bytes


def check_texts(facts: UploadFacts) -> None:
    """Refuse what no sidecar can hold.

    Raises:
        ConfigurationError: a text is too long.
    """
    for name, text in (("label", facts.label), ("user_id", facts.user_id), ("raw_name", facts.raw_name)):
        if text and len(text) > MAX_TEXT_LENGTH:
            raise ConfigurationError(
                f"{name} of {facts.raw_name[:40]} has {len(text)} letters; at most {MAX_TEXT_LENGTH}"
            )


class Put(Protocol):
    """How an object is written: `ObjectStore.write`, or what outlives a power cut by itself."""

    def __call__(self, key: ObjectKey, data: bytes, *, over: str | None = ANY_VERSION) -> None:
        """See `ObjectStore.write`."""
        ...


def tell(store: ObjectStore, key: ObjectKey, facts: UploadFacts, remembered: Mapping[str, object], put: Put) -> None:
    """Write the sidecar of an upload, unless it says so already.

    It goes before its file: a run that finds the file finds what was said of it too. It names that file, so that a
    run that finds the sidecar alone knows it for one (`landing.is_awaiting`).
    """
    sidecar_key, mark = object_keys.sidecar_key(key), {AWAITED: key.rpartition("/")[2]}

    def attempt() -> None:
        there = store.version(sidecar_key)
        former = None if there is None else _read_former(store, sidecar_key)
        told = former or remembered
        sidecar = {**told, **_said(facts, told), **mark}
        # One whose file has not come is written again, lest it be taken for one that waits in vain.
        if former is None or sidecar != {**former, **mark} or not store.exists(key):
            put(sidecar_key, json.dumps(sidecar, ensure_ascii=False).encode("utf-8", "replace"), over=there)

    until_first(attempt)


def told_before(tables: ParquetTables, day: date) -> Mapping[ObjectKey, Mapping[str, object]]:
    """What bronze knows of a day's uploads that only a sidecar can tell, by the upload's key."""
    if not tables.exists(BRONZE_IMAGES, day):
        return {}
    rows = tables.scan(BRONZE_IMAGES, ["source_uri", "label", "uploaded_at"], [day]).with_columns(
        pl.col("uploaded_at").dt.to_string("iso:strict")
    )
    return {
        object_keys.key_of(SourceUri(uri)): {name: value for name, value in told.items() if value is not None}
        for uri, told in ((row.pop("source_uri"), row) for row in rows.iter_rows(named=True))
    }


def user_folder(user_id: str) -> str:
    """The folder of a user's uploads below that of a day."""
    return user_id if _PLAIN.fullmatch(user_id) else f"user-{_digest(user_id)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]


def _read_former(store: ObjectStore, key: ObjectKey) -> dict[str, Any] | None:
    """The sidecar that is there; None when there is none, or none that says anything."""
    if not store.exists(key):
        return None
    try:
        fields = json.loads(store.read(key))
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _said(facts: UploadFacts, told: Mapping[str, object]) -> Mapping[str, object]:
    former = parse_sidecar(json.dumps({"uploaded_at": told.get("uploaded_at")}).encode()).uploaded_at
    uploaded_at = facts.uploaded_at or former or datetime.now(UTC)
    label = normalise_label(facts.label or "")
    names = {"user_id": facts.user_id, "uploaded_at": uploaded_at.isoformat(), "raw_name": facts.raw_name}
    texts = {name: _bytes_as_text(text) for name, text in names.items()}
    return {**facts.more, **texts, **({"label": label} if label else {})}


def _bytes_as_text(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
