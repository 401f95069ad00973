"""Putting files into the landing zone: under names made from ids, with what the user said in a sidecar."""

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import PurePath

from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.steps.sidecar import parse_sidecar

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class UploadFacts:
    """What is known of an upload besides its bytes; texts are values, never paths.

    Without `uploaded_at` it is the instant at which the file is first added.
    """

    day: date
    user_id: str
    raw_name: str
    uploaded_at: datetime | None = None
    label: str | None = None


def add_upload(store: ObjectStore, facts: UploadFacts, data: bytes) -> ObjectKey:
    """Write the file and its sidecar; the same file under the same name lands once, however often it is added."""
    key = _landing_key(facts, data)
    sidecar_key = ObjectKey(f"{key}.json")
    former = store.read(sidecar_key) if store.exists(sidecar_key) else b"{}"
    sidecar = json.dumps(_sidecar(facts, former), ensure_ascii=False).encode("utf-8", "replace")
    # Writing the same bytes again would make the file look new.
    if not store.exists(key):
        store.write(key, data)
    if sidecar != former:
        store.write(sidecar_key, sidecar)
    return key


def _landing_key(facts: UploadFacts, data: bytes) -> ObjectKey:
    user = facts.user_id if _PLAIN.fullmatch(facts.user_id) else f"user-{_digest(_bytes(facts.user_id))}"
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"{_digest(_bytes(facts.raw_name))}\n{_digest(data)}")
    suffix = PurePath(facts.raw_name).suffix
    extension = suffix.lower() if _EXTENSION.fullmatch(suffix) and suffix.lower() != ".json" else ""
    return ObjectKey(f"{object_keys.landing_prefix(facts.day)}/{user}/{name}{extension}")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def _sidecar(facts: UploadFacts, former: bytes) -> Mapping[str, str]:
    uploaded_at = facts.uploaded_at or parse_sidecar(former).uploaded_at or datetime.now(UTC)
    label = {"label": facts.label} if facts.label else {}
    told = {"user_id": facts.user_id, "uploaded_at": uploaded_at.isoformat(), "raw_name": facts.raw_name}
    return {**told, **label}
