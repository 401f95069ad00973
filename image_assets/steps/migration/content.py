"""What an entry is, by its content: a picture, what describes one, or why it is no upload."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from image_assets.errors import ImageError, StorageError, StoreUnavailableError
from image_assets.imaging.foreign_decoder import check_format, not_an_image
from image_assets.imaging.formats import format_of
from image_assets.imaging.taken_at import HEAD_BYTES
from image_assets.lake.litter import is_litter
from image_assets.lake.sources.place import Found, SourcePlace
from image_assets.tables.migration import REGISTERED

SIDECAR: Final = ".json"
_START_BYTES: Final = 4096
_WORDS: Final[Mapping[str, str]] = {
    "link": "a symbolic link, which is not followed",
    "socket": "a socket",
    "pipe": "a pipe",
    "device": "a device",
}


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of an entry.

    Attributes:
        kind: of `tables.migration.ENTRY_KINDS`.
        detail: what was found, of what is no upload.
        head: the first bytes, of a picture.
        sidecar_version: of the sidecar beside a picture.
    """

    kind: str
    detail: str | None = None
    head: bytes = b""
    sidecar_version: str | None = None


def look_at(place: SourcePlace, found: Found, *, is_exif_wanted: bool) -> Look:
    """Read as little as tells what it is."""
    path = os.fsdecode(found.path)
    if found.kind != "file":
        return Look(found.kind, found.detail or _WORDS[found.kind])
    if is_litter(path):
        return Look("litter")
    if not found.size_bytes:
        return Look("empty", "0 bytes")
    try:
        head = place.read_start(path, HEAD_BYTES if is_exif_wanted else _START_BYTES)
        return _look_into(place, path, head)
    except StorageError as error:
        # A disk that cannot read one place can read the others; a cloud that does not answer gives nothing.
        if isinstance(error, StoreUnavailableError) and place.is_far:
            raise
        return Look("unreadable", str(error))


def _look_into(place: SourcePlace, path: str, head: bytes) -> Look:
    name = format_of(head)
    if name is None:
        is_sidecar = path.endswith(SIDECAR) and place.version(path.removesuffix(SIDECAR)) is not None
        return Look("sidecar") if is_sidecar else Look("not_an_image", not_an_image().detail)
    try:
        check_format(name)
    except ImageError as error:
        return Look("unsupported_format", error.detail)
    return Look(REGISTERED, None, head, place.version(path + SIDECAR))
