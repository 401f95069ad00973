"""Whether a file ends before its own structure says so: an upload that was cut short."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from image_assets.imaging import tiff_directory
from image_assets.imaging.formats import format_of

WHOLE_BY_STRUCTURE = frozenset(("PNG", "WEBP", "GIF", "AVIF", "HEIF"))
"""Formats whose structure announces every pixel; a JPEG without its end marker may still hold them all."""

TOLD_BY_STRUCTURE = WHOLE_BY_STRUCTURE | {"TIFF"}
"""Formats whose structure tells whether the file was cut; a TIFF may exaggerate the size of a strip."""


class Chunk(NamedTuple):
    """A chunk of a PNG or WebP: what it is called, how long its content is, and where it begins and ends."""

    kind: bytes
    length: int
    at: int
    end: int


class GifWalk(NamedTuple):
    """Pictures that begin, where the last block that begins would end, and whether the trailer was found."""

    pictures: int
    end: int
    has_trailer: bool


def ends_early(data: bytes) -> bool:
    """Whether the container announces more bytes than there are; False for formats that do not tell."""
    walk = _WALKS.get(format_of(data) or "")
    return walk is not None and walk(data)


def _jpeg_ends_early(data: bytes) -> bool:
    """No end-of-image marker behind the last start of scan (ITU-T T.81, B.1.1.3)."""
    return data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda") or b"\xff\xda" not in data


def png_chunks(data: bytes) -> Iterator[Chunk]:
    """Chunks of length, type, data and CRC until IEND (W3C PNG, 5.3); the last may be cut off."""
    at, kind = 8, b""
    while at + 8 <= len(data) and kind != b"IEND":
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        yield Chunk(kind, length, at, at + 12 + length)
        at += 12 + length


def _png_ends_early(data: bytes) -> bool:
    return not any(chunk.kind == b"IEND" and chunk.end <= len(data) for chunk in png_chunks(data))


def webp_chunks(data: bytes) -> Iterator[Chunk]:
    """Chunks of type, length and padded data within the size that the header announces; the last may be cut off."""
    at, announced = 12, 8 + int.from_bytes(data[4:8], "little")
    while at + 8 <= min(len(data), announced):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        yield Chunk(data[at : at + 4], length, at, at + 8 + length + length % 2)
        at += 8 + length + length % 2


def _riff_ends_early(data: bytes) -> bool:
    """The size in bytes 4 to 8 counts what follows it (WebP container specification)."""
    return len(data) < 8 + int.from_bytes(data[4:8], "little")


def _boxes_end_early(data: bytes) -> bool:
    """Boxes of size, type and content (ISO/IEC 14496-12, 4.2); size 0 reaches to the end.

    Boxes that hold no picture, and whatever a vendor puts behind the last box, may be cut off.
    """
    at, found = 0, set()
    while at + 8 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if kind in _PICTURE_BOXES:
            found.add(kind)
            if at + size > len(data):
                return True
        if size < 8:
            break
        at += size
    return not found & _DESCRIPTIONS


def walk_gif(data: bytes) -> GifWalk:
    """Descriptors, extensions and chains of sub-blocks until the trailer (GIF89a, appendix A)."""
    at, pictures = 13 + _colour_table_bytes(data[10:11]), 0
    while at < len(data):
        if data[at] == 0x2C:
            at += 11 + _colour_table_bytes(data[at + 9 : at + 10])
            pictures += 1
        elif data[at] == 0x21:
            at += 2
        else:
            return GifWalk(pictures, at, has_trailer=True)
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    return GifWalk(pictures, at, has_trailer=False)


def _gif_ends_early(data: bytes) -> bool:
    return not walk_gif(data).has_trailer


def zeros_at_end(data: bytes) -> int:
    """Zero bytes at the end of the coded pixels, for formats whose coders write next to none there."""
    name = format_of(data)
    if name not in _CODED_TO_THE_END:
        return 0
    end = 8 + int.from_bytes(data[4:8], "little") if name == "WEBP" else _end_of_pictures(data)
    coded = data[:end]
    return len(coded) - len(coded.rstrip(b"\x00"))


def _end_of_pictures(data: bytes) -> int:
    """Where the last box that holds a picture ends; what a vendor puts behind it may be zeros."""
    at, end = 0, 0
    while at + 8 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if kind in _PICTURE_BOXES:
            end = at + size if size else len(data)
        if size < 8:
            break
        at += size
    return end


def _jpeg2000_ends_early(data: bytes) -> bool:
    """No end-of-codestream marker at the end, but for padding (ITU-T T.800, A.4.4)."""
    return not data.rstrip(b"\x00").endswith(b"\xff\xd9")


def _colour_table_bytes(packed: bytes) -> int:
    """Bytes of the colour table that a packed field announces."""
    return 3 << ((packed[0] & 7) + 1) if packed and packed[0] & 0x80 else 0


# Boxes without which there is no picture, and those that say where it lies.
_PICTURE_BOXES = frozenset((b"ftyp", b"meta", b"moov", b"mdat"))
_DESCRIPTIONS = frozenset((b"meta", b"moov"))
_CODED_TO_THE_END = frozenset(("WEBP", "AVIF", "HEIF"))

_WALKS: dict[str, Callable[[bytes], bool]] = {
    "JPEG": _jpeg_ends_early,
    "PNG": _png_ends_early,
    "WEBP": _riff_ends_early,
    "AVIF": _boxes_end_early,
    "HEIF": _boxes_end_early,
    "GIF": _gif_ends_early,
    "TIFF": tiff_directory.ends_early,
    "JPEG2000": _jpeg2000_ends_early,
}
