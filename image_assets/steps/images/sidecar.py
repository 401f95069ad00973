"""The optional JSON file beside an upload: what the uploader says of it, taken as far as it can be."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from image_assets.errors import ObjectForbiddenError, ObjectNotFoundError
from image_assets.ids import SourceUri
from image_assets.labels import normalise_label
from image_assets.lake import object_keys
from image_assets.lake.object_store import ReadsAndWrites

MAX_SIDECAR_BYTES = 64_000
MAX_TEXT_LENGTH = 2_000
AWAITED = "sidecar_of"
"""The field in which a sidecar that goes before its file names that file."""


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What a sidecar says; `problem` tells what of it could not be used."""

    user_id: str | None = None
    uploaded_at: datetime | None = None
    label: str | None = None
    raw_name: str | None = None
    problem: str | None = None


def read_sidecar(store: ReadsAndWrites, uri: SourceUri | None) -> Sidecar:
    """What lies beside an upload; it says nothing where there is none, or none that can be read."""
    if uri is None:
        return Sidecar()
    try:
        return parse_sidecar(store.read(object_keys.key_of(uri)))
    except (ObjectNotFoundError, ObjectForbiddenError) as error:
        return Sidecar(problem=str(error))


def parse_sidecar(data: bytes) -> Sidecar:
    """Read a sidecar; never raises: a broken field costs that field, a broken file all fields."""
    if len(data) > MAX_SIDECAR_BYTES:
        return Sidecar(problem=f"{len(data)} bytes; at most {MAX_SIDECAR_BYTES}")
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError) as error:
        return Sidecar(problem=f"not JSON: {error}"[:MAX_TEXT_LENGTH])
    if not isinstance(fields, dict):
        return Sidecar(problem=f"a JSON object is expected, not {type(fields).__name__}")
    return _sidecar_of(fields)


def names_file(data: bytes, name: str) -> bool:
    """Whether a sidecar says itself which file it belongs to, and says this one."""
    try:
        fields = json.loads(data) if len(data) <= MAX_SIDECAR_BYTES else None
    except (ValueError, RecursionError):
        return False
    return isinstance(fields, dict) and fields.get(AWAITED) == name


def _sidecar_of(fields: Mapping[str, object]) -> Sidecar:
    problems: list[str] = []
    uploaded_at = _instant(_text(fields, "uploaded_at", problems), problems)
    return Sidecar(
        user_id=_text(fields, "user_id", problems),
        uploaded_at=uploaded_at,
        label=_label(_text(fields, "label", problems), problems),
        raw_name=_text(fields, "raw_name", problems),
        problem="; ".join(problems) or None,
    )


def _text(fields: Mapping[str, object], name: str, problems: list[str]) -> str | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str | int) or isinstance(value, bool) or not str(value).strip():
        problems.append(f"{name} is not a text")
        return None
    return str(value).encode("utf-8", "replace").decode()[:MAX_TEXT_LENGTH]


def _label(text: str | None, problems: list[str]) -> str | None:
    label = normalise_label(text) if text else None
    if label == "":
        problems.append("label has nothing that can be seen")
    return label or None


def _instant(text: str | None, problems: list[str]) -> datetime | None:
    """An ISO 8601 instant; without an offset it is taken as UTC."""
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        problems.append(f"uploaded_at {text[:40]!r} is not an ISO 8601 instant")
        return None
