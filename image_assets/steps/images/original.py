"""What a worker does with one uploaded file: read, name, inspect, keep."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from image_assets.errors import ImageError, ObjectForbiddenError, ObjectNotFoundError, RejectionReason
from image_assets.ids import ImageId, ObjectKey, Sha256, SourceUri, image_id_of
from image_assets.imaging.inspect import ImageHeader, InspectParams, inspect_image
from image_assets.labels import normalise_label
from image_assets.lake import object_keys
from image_assets.lake.object_store import ReadsAndWrites
from image_assets.steps.images.acceptances import loosened
from image_assets.steps.images.sidecar import read_sidecar
from image_assets.steps.increment.outcome import TableValues


@dataclass(frozen=True, slots=True)
class Upload:
    """One file to take in.

    Attributes:
        key: the source URI, under which the increment knows it.
        version: changes with the file or its sidecar.
        day: the partition.
        read_key: where the bytes are: the landing zone, or bronze once the file has left the landing zone.
        size_bytes: as listed.
        told: user_id, uploaded_at, raw_name, label and sidecar_problem, unless a sidecar knows better.
        said_before: what bronze has of it under this source, which still holds of the same bytes without a sidecar.
        sidecar_uri: the sidecar's key, percent-encoded, if there is one to read.
        ingested: the bytes that bronze has under this source, by their hash, and since when.
        original: where bronze keeps them, if the upload has not changed since; both copies are what they were then.
        subject: what an acceptance calls the file while its bytes were never read.
        accepted: what a person has accepted at this place: the subject, or the id of an image.
        registered: of a file that lies outside the lake, the version of its bytes when it was registered.
    """

    key: SourceUri
    version: str
    day: date
    read_key: ObjectKey
    size_bytes: int
    told: Mapping[str, object]
    said_before: Mapping[str, object]
    sidecar_uri: SourceUri | None
    ingested: tuple[Sha256, datetime] | None
    original: ObjectKey | None = None
    subject: str | None = None
    accepted: str | None = None
    registered: str | None = None


def keys_to_read(upload: Upload, limits: InspectParams) -> Sequence[ObjectKey]:
    """What `take_in` reads of an upload, as a rule; what is too large is not held beside others."""
    if upload.size_bytes > limits.max_bytes:
        return []
    sidecar = [object_keys.key_of(upload.sidecar_uri)] if upload.sidecar_uri else []
    # What is verified first is read ahead.
    first = upload.original if upload.registered and upload.original else upload.read_key
    return [first, *sidecar]


def take_in(
    upload: Upload,
    store: ReadsAndWrites,
    limits: InspectParams,
    erased: Mapping[ImageId, date],
    version_of: Callable[[ObjectKey], str | None],
) -> TableValues:
    """Keep the original and describe it.

    Args:
        upload: which.
        store: where it lies, and where the original is kept.
        limits: what is accepted.
        erased: images of the day that must not come back, and since when.
        version_of: tells whether a registered file is still what it was.

    Raises:
        ImageError: the file is gone, forbidden or no image within the limits; or neither it nor its original is what it
            was when it was taken in; or it was `erased`, which does not come back.
    """
    limits = loosened(limits) if upload.accepted and upload.accepted == upload.subject else limits
    if upload.size_bytes > limits.max_bytes:
        detail = f"{upload.size_bytes} bytes; at most {limits.max_bytes}"
        raise ImageError(RejectionReason.TOO_LARGE, detail, {"size_bytes": upload.size_bytes})
    data, read_key = _read(upload, store, version_of)
    sha256 = Sha256(hashlib.sha256(data).hexdigest())
    image_id = image_id_of(upload.key, sha256)
    facts = {"image_id": image_id, "sha256": sha256, "size_bytes": len(data)}
    if image_id in erased:
        raise ImageError(RejectionReason.POLICY, f"erased on {erased[image_id]}", facts)
    try:
        header = inspect_image(data, loosened(limits) if upload.accepted == image_id else limits)
    except ImageError as error:
        raise ImageError(error.reason, error.detail, facts) from error
    raw_path = object_keys.bronze_key(upload.day, image_id, header.extension)
    if raw_path != read_key:
        store.write(raw_path, data)
    since = upload.ingested[1] if upload.ingested and upload.ingested[0] == sha256 else None
    identity = {**facts, "raw_path": raw_path, "ingested_at": since or datetime.now(UTC)}
    told = _upload_columns(upload, store, upload.said_before if since else {})
    return {"bronze_images": {**identity, **_header_columns(header), **told}}


def read_object(store: ReadsAndWrites, key: ObjectKey) -> bytes:
    """Bytes of one file; that this one is gone or forbidden is the file's trouble, not the storage's."""
    try:
        return store.read(key)
    except (ObjectNotFoundError, ObjectForbiddenError) as error:
        raise ImageError(RejectionReason.UNREADABLE, str(error)) from error


def read_verified(store: ReadsAndWrites, key: ObjectKey, sha256: str) -> bytes:
    """Bytes that are those of which a row tells; others are unreadable, whatever could be decoded of them."""
    data = read_object(store, key)
    if hashlib.sha256(data).hexdigest() != sha256:
        detail = f"{key!r} is not what its row says: another SHA-256; see: image-assets repair"
        raise ImageError(RejectionReason.UNREADABLE, detail)
    return data


def _read(
    upload: Upload, store: ReadsAndWrites, version_of: Callable[[ObjectKey], str | None]
) -> tuple[bytes, ObjectKey]:
    """The bytes, and where they were; a source may be away once its file was taken in, so the original comes first."""
    if upload.original is None or upload.ingested is None:
        data = read_object(store, upload.read_key)
        if upload.registered:
            _check_unchanged(upload, version_of)
        return data, upload.read_key
    places = upload.read_key, upload.original
    first, second = reversed(places) if upload.registered else places
    try:
        return read_verified(store, first, upload.ingested[0]), first
    except ImageError:
        return read_verified(store, second, upload.ingested[0]), second


def _check_unchanged(upload: Upload, version_of: Callable[[ObjectKey], str | None]) -> None:
    """Asked after the bytes were read: what changed while they were is another file as well."""
    if version_of(upload.read_key) != upload.registered:
        detail = "it has changed since it was registered: image-assets migrate of its source registers it as it is"
        raise ImageError(RejectionReason.UNREADABLE, detail)


def _header_columns(header: ImageHeader) -> dict[str, object]:
    return {
        "format": header.format,
        "mime": header.mime,
        "mode": header.mode,
        "width_px": header.width_px,
        "height_px": header.height_px,
        "frames": header.frames,
        "exif": json.dumps(header.exif, ensure_ascii=False, allow_nan=False),
    }


def _upload_columns(upload: Upload, store: ReadsAndWrites, before: Mapping[str, object]) -> dict[str, object]:
    sidecar = read_sidecar(store, upload.sidecar_uri)
    told = {
        "user_id": sidecar.user_id,
        "uploaded_at": sidecar.uploaded_at,
        "raw_name": sidecar.raw_name,
        "label": sidecar.label,
        "sidecar_problem": sidecar.problem,
    }
    known = {**upload.told, **before, **{name: value for name, value in told.items() if value is not None}}
    return {**known, "label": normalise_label(str(known["label"] or "")) or None}
