"""What one message of a queue says: Event Grid's word that a blob was made or removed, in either of its schemas."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.litter import is_litter
from image_assets.lake.remote.address import RemoteRoot

_CHANGES: Final = {"Microsoft.Storage.BlobCreated", "Microsoft.Storage.BlobDeleted"}
_BLOB: Final = re.compile(r"/blobServices/default/containers/(?P<container>[^/]+)/blobs/(?P<name>.+)", re.DOTALL)
_SHOWN: Final = 100


@dataclass(frozen=True, slots=True)
class BlobEvent:
    """A blob of the lake's container was made or removed.

    Attributes:
        event_id: the same however often it is delivered.
        day: whose uploads it changes; None where the blob is no upload.
    """

    event_id: str
    day: date | None


@dataclass(frozen=True, slots=True)
class Unusable:
    """A message that says nothing of this lake, and why."""

    reason: str


def read_event(text: str, root: RemoteRoot) -> BlobEvent | Unusable:
    """What a message says; its text is JSON, or JSON in base64 as Event Grid sends it."""
    event = _decoded(text)
    if event is None:
        return Unusable("it is no JSON object, nor one in base64")
    kind = event.get("eventType", event.get("type"))
    if kind not in _CHANGES:
        return Unusable(f"{_shown(kind)} is no event of a blob that was made or removed")
    blob, event_id = _BLOB.fullmatch(str(event.get("subject"))), event.get("id")
    if blob is None or not isinstance(event_id, str):
        return Unusable("it names no blob, or has no id")
    if blob["container"] != root.container:
        return Unusable(f"it is of container {_shown(blob['container'])}, not of {root.container}")
    return _of_upload(event_id, blob["name"], root)


def _of_upload(event_id: str, name: str, root: RemoteRoot) -> BlobEvent | Unusable:
    """What lies elsewhere in the container, the lake's own tables among it, changes no day's uploads."""
    prefix = f"{root.prefix}/" if root.prefix else ""
    key = ObjectKey(name.removeprefix(prefix))
    is_upload = name.startswith(prefix) and key.startswith(f"{object_keys.LANDING}/") and not is_litter(key)
    day = object_keys.landing_day_of(key) if is_upload else None
    if is_upload and day is None:
        return Unusable(f"{_shown(key)} belongs to no day: move it to landing/YYYY-MM-DD/USER/")
    return BlobEvent(event_id, day)


def _decoded(text: str) -> Mapping[str, Any] | None:
    try:
        plain = text if text.lstrip().startswith("{") else base64.b64decode(text, validate=True).decode()
        event = json.loads(plain)
    except (binascii.Error, ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def _shown(value: object) -> str:
    return repr(value)[:_SHOWN]
