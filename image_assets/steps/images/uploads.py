"""Putting files into the landing zone: under names made from ids, with what the user said in a sidecar."""

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from image_assets.errors import ConfigurationError
from image_assets.ids import ObjectKey, SourceUri
from image_assets.labels import normalise_label
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.optimism import until_first
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.images.sidecar import MAX_TEXT_LENGTH, parse_sidecar
from image_assets.tables.images import BRONZE_IMAGES

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,5}")
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
    key = _landing_key(facts, data)
    check_texts(facts)
    # The sidecar goes first: a run that finds the file finds what was said of it too. Writing the same bytes again
    # would make either look new.
    until_first(partial(_tell, store, key, facts, remembered.get(key, _NOTHING)))
    if not store.exists(key):
        store.write(key, data)
    return key


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


def _tell(store: ObjectStore, key: ObjectKey, facts: UploadFacts, remembered: Mapping[str, object]) -> None:
    sidecar_key = object_keys.sidecar_key(key)
    there, former = store.version(sidecar_key), _read_former(store, sidecar_key)
    told = former or remembered
    sidecar = {**told, **_said(facts, told)}
    if sidecar != former:
        data = json.dumps(sidecar, ensure_ascii=False).encode("utf-8", "replace")
        store.write(sidecar_key, data, over=there)


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


def _landing_key(facts: UploadFacts, data: bytes) -> ObjectKey:
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"{_digest(_bytes(facts.raw_name))}\n{_digest(data)}")
    suffix = PurePath(facts.raw_name).suffix
    extension = suffix.lower() if _EXTENSION.fullmatch(suffix) and suffix.lower() != ".json" else ""
    return ObjectKey(f"{object_keys.landing_prefix(facts.day)}/{user_folder(facts.user_id)}/{name}{extension}")


def user_folder(user_id: str) -> str:
    """The folder of a user's uploads below that of a day."""
    return user_id if _PLAIN.fullmatch(user_id) else f"user-{_digest(_bytes(user_id))}"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


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
