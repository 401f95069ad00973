"""Whether a file ends before its own structure says so: an upload that was cut short."""

import struct
from collections.abc import Callable

from image_assets.imaging.formats import format_of


def ends_early(data: bytes) -> bool:
    """Whether the container announces more bytes than there are; False for formats that do not tell."""
    walk = _WALKS.get(format_of(data) or "")
    return walk is not None and walk(data)


def _jpeg_ends_early(data: bytes) -> bool:
    """No end-of-image marker behind the last start of scan (ITU-T T.81, B.1.1.3)."""
    return data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda") or b"\xff\xda" not in data


def _png_ends_early(data: bytes) -> bool:
    """Chunks of length, type, data and CRC until IEND (W3C PNG, 5.3)."""
    at = 8
    while at + 12 <= len(data):
        if data[at + 4 : at + 8] == b"IEND":
            return False
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return True


def _riff_ends_early(data: bytes) -> bool:
    """The size in bytes 4 to 8 counts what follows it (WebP container specification)."""
    return len(data) < 8 + int.from_bytes(data[4:8], "little")


def _boxes_end_early(data: bytes) -> bool:
    """Boxes of size, type and content (ISO/IEC 14496-12, 4.2); size 0 reaches to the end."""
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if size < 8:
            return False
        at += size
    return at > len(data)


def _gif_ends_early(data: bytes) -> bool:
    """Descriptors, extensions and chains of sub-blocks until the trailer (GIF89a, appendix A)."""
    at = 13 + _colour_table_bytes(data[10:11])
    while at < len(data):
        if data[at] == 0x2C:
            at += 11 + _colour_table_bytes(data[at + 9 : at + 10])
        elif data[at] == 0x21:
            at += 2
        else:
            return False
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    return at > len(data)


def _tiff_ends_early(data: bytes) -> bool:
    """The first directory and the strips or tiles that it lists (TIFF 6.0, section 2); not for BigTIFF."""
    order = "<" if data[:2] == b"II" else ">"
    if data[2:4] not in (b"*\x00", b"\x00*") or len(data) < 8:
        return len(data) < 8
    (directory,) = struct.unpack_from(order + "I", data, 4)
    if directory + 2 > len(data):
        return True
    (count,) = struct.unpack_from(order + "H", data, directory)
    entries = [directory + 2 + 12 * index for index in range(count)]
    if entries and entries[-1] + 12 > len(data):
        return True
    tags = dict(_tiff_values(data, order, entry) for entry in entries)
    offsets = tags.get(_STRIP_OFFSETS) or tags.get(_TILE_OFFSETS) or (0,)
    sizes = tags.get(_STRIP_SIZES) or tags.get(_TILE_SIZES) or (0,)
    return max(offset + size for offset, size in zip(offsets, sizes, strict=False)) > len(data)


def _tiff_values(data: bytes, order: str, entry: int) -> tuple[int, tuple[int, ...]]:
    """Tag and unsigned integers of a directory entry; none of other types; past the end if cut off."""
    tag, kind, count = struct.unpack_from(order + "HHI", data, entry)
    if kind not in _TIFF_INTEGERS:
        return tag, ()
    layout = f"{order}{count}{_TIFF_INTEGERS[kind]}"
    length = struct.calcsize(layout)
    at = entry + 8 if length <= 4 else struct.unpack_from(order + "I", data, entry + 8)[0]
    return tag, struct.unpack_from(layout, data, at) if at + length <= len(data) else (len(data) + 1,)


def _jpeg2000_ends_early(data: bytes) -> bool:
    """No end-of-codestream marker at the end, but for padding (ITU-T T.800, A.4.4)."""
    return not data.rstrip(b"\x00").endswith(b"\xff\xd9")


def _colour_table_bytes(packed: bytes) -> int:
    """Bytes of the colour table that a packed field announces."""
    return 3 << ((packed[0] & 7) + 1) if packed and packed[0] & 0x80 else 0


_TIFF_INTEGERS = {3: "H", 4: "I"}
_STRIP_OFFSETS, _STRIP_SIZES, _TILE_OFFSETS, _TILE_SIZES = 273, 279, 324, 325

_WALKS: dict[str, Callable[[bytes], bool]] = {
    "JPEG": _jpeg_ends_early,
    "PNG": _png_ends_early,
    "WEBP": _riff_ends_early,
    "AVIF": _boxes_end_early,
    "HEIF": _boxes_end_early,
    "GIF": _gif_ends_early,
    "TIFF": _tiff_ends_early,
    "JPEG2000": _jpeg2000_ends_early,
}
