"""What a derivative says besides its pixels: the byte scan behind the promise that it says nothing."""

from collections.abc import Iterator

from image_assets.errors import ImageError, RejectionReason

# Needed to show the picture: JFIF density and Adobe's colour transform hold nothing about a person.
_HARMLESS = {(0xE0, b"JFIF\x00"), (0xEE, b"Adobe")}
_COMMENT, _START_OF_SCAN, _END_OF_IMAGE = 0xFE, 0xDA, 0xD9
_WEBP_METADATA = {b"EXIF", b"XMP ", b"ICCP"}


def find_metadata(data: bytes) -> list[str]:
    """Names of all segments of a JPEG or chunks of a WebP that are neither pixels nor needed for them.

    Raises:
        ImageError: neither a JPEG nor a WebP, or not well-formed.
    """
    if data[:2] == b"\xff\xd8":
        return [name for marker, name, content in _segments(data) if not _is_harmless(marker, content)]
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return [kind.decode().strip() for kind in _chunks(data) if kind in _WEBP_METADATA]
    raise ImageError(RejectionReason.UNSUPPORTED_FORMAT, "derivatives are JPEG or WebP")


def _is_harmless(marker: int, content: bytes) -> bool:
    is_application_data = 0xE0 <= marker <= 0xEF
    if marker == _COMMENT or is_application_data:
        return any(marker == known and content.startswith(start) for known, start in _HARMLESS)
    return True


def _segments(data: bytes) -> Iterator[tuple[int, str, bytes]]:
    """Marker, name and content of each segment up to the first scan, and bytes behind the image (T.81, B.1.1)."""
    at = 2
    while data[at : at + 2] != bytes([0xFF, _START_OF_SCAN]):
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at : at + 1] != b"\xff" or length < 2:
            raise ImageError(RejectionReason.CORRUPT, f"no JPEG marker at byte {at}")
        marker, content = data[at + 1], data[at + 4 : at + 2 + length]
        yield marker, "comment" if marker == _COMMENT else f"APP{marker - 0xE0}", content
        at += 2 + length
    end = data.rfind(bytes([0xFF, _END_OF_IMAGE]))
    if data[end + 2 :]:
        yield _COMMENT, "bytes behind the image", data[end + 2 :]


def _chunks(data: bytes) -> Iterator[bytes]:
    """Four-letter kinds of all chunks (WebP container specification)."""
    at = 12
    while at + 8 <= len(data):
        yield data[at : at + 4]
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + size + size % 2
