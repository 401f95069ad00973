"""Chunks of a PNG (W3C PNG, third edition, 5.3)."""

import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_OF_PIXELS = frozenset((b"IDAT", b"fdAT", b"fcTL", b"acTL", b"IEND"))


def chunks_of(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of every whole chunk up to the end, those of the pixels without content."""
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + length > len(data):
            return
        yield kind, b"" if kind in _OF_PIXELS else data[at + 8 : at + 8 + length]
        at += 12 + length


def find_chunk(data: bytes, wanted: bytes) -> bytes | None:
    """Content of the first chunk of a kind in front of the pixels."""
    for kind, content in chunks_of(data):
        if kind == b"IDAT":
            return None
        if kind == wanted:
            return content
    return None


def without_pixels(data: bytes) -> bytes:
    """A PNG of the same header and the same words, those behind the pixels included."""
    said = [(kind, content) for kind, content in chunks_of(data) if kind not in _OF_PIXELS]
    return SIGNATURE + b"".join(_chunk(kind, content) for kind, content in [*said, (b"IDAT", b""), (b"IEND", b"")])


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
