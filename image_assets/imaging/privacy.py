"""What a derivative says besides its pixels: the byte scan behind the promise that it says nothing."""

import re
from collections.abc import Iterator

from image_assets.errors import ImageError, RejectionReason

# Needed to show the picture: JFIF density and Adobe's colour transform hold nothing about a person.
_HARMLESS = {(0xE0, b"JFIF\x00"), (0xEE, b"Adobe")}
_COMMENT, _START_OF_SCAN, _END_OF_IMAGE = 0xFE, 0xDA, 0xD9
_WEBP_PIXELS = {"VP8", "VP8L", "VP8X", "ALPH", "ANIM", "ANMF"}
_BEHIND = "bytes behind the image"
# In entropy-coded data a marker byte is followed by zero, a restart marker or another fill byte (T.81, B.1.1.2).
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def find_metadata(data: bytes) -> list[str]:
    """Names of all segments of a JPEG or chunks of a WebP that are neither pixels nor needed for them.

    Raises:
        ImageError: neither a JPEG nor a WebP, or not well-formed.
    """
    if data[:2] == b"\xff\xd8":
        return [name for marker, name, content in _segments(data) if not _is_harmless(marker, content)]
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return [name for name in _chunks(data) if name not in _WEBP_PIXELS]
    raise ImageError(RejectionReason.UNSUPPORTED_FORMAT, "derivatives are JPEG or WebP")


def _is_harmless(marker: int, content: bytes) -> bool:
    is_application_data = 0xE0 <= marker <= 0xEF
    if marker in (_COMMENT, _END_OF_IMAGE) or is_application_data:
        return any(marker == known and content.startswith(start) for known, start in _HARMLESS)
    return True


def _segments(data: bytes) -> Iterator[tuple[int, str, bytes]]:
    """Marker, name and content of each segment, between scans too, and bytes behind the image (T.81, B.1.1)."""
    at = 2
    while (marker := data[at + 1 : at + 2]) != bytes([_END_OF_IMAGE]):
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at : at + 1] != b"\xff" or length < 2:
            raise ImageError(RejectionReason.CORRUPT, f"no JPEG marker at byte {at}")
        name = "comment" if marker[0] == _COMMENT else f"APP{marker[0] - 0xE0}"
        yield marker[0], name, data[at + 4 : at + 2 + length]
        at += 2 + length
        if marker[0] == _START_OF_SCAN:
            found = _NEXT_MARKER.search(data, at)
            at = found.start() if found else len(data)
    if data[at + 2 :]:
        yield _END_OF_IMAGE, _BEHIND, data[at + 2 :]


def _chunks(data: bytes) -> Iterator[str]:
    """Four-letter kinds of all chunks, and bytes behind the image (WebP container specification)."""
    at, end = 12, 8 + int.from_bytes(data[4:8], "little")
    while at + 8 <= min(end, len(data)):
        yield data[at : at + 4].decode("ascii", "replace").strip()
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + size + size % 2
    if data[end + end % 2 :]:
        yield _BEHIND
