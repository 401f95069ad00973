"""Whether a file ends before its own structure says so: an upload that was cut short."""

from collections.abc import Callable

from image_assets.imaging import tiff_directory
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


def _jpeg2000_ends_early(data: bytes) -> bool:
    """No end-of-codestream marker at the end, but for padding (ITU-T T.800, A.4.4)."""
    return not data.rstrip(b"\x00").endswith(b"\xff\xd9")


def _colour_table_bytes(packed: bytes) -> int:
    """Bytes of the colour table that a packed field announces."""
    return 3 << ((packed[0] & 7) + 1) if packed and packed[0] & 0x80 else 0


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
