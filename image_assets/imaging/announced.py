"""What the first bytes of a file announce, read as plain numbers: no decoder, and no library, sees a byte of them.

What they do not tell is no ground for a refusal: a file of which nothing can be said here is opened where a decoder
that dies takes only itself along.
"""

import struct
from collections.abc import Callable

from PIL import Image

from image_assets.errors import ImageError
from image_assets.imaging.foreign_decoder import check_format, not_an_image
from image_assets.imaging.formats import ALLOWED_FORMATS, format_of
from image_assets.imaging.inspect import InspectParams, check_dimensions
from image_assets.imaging.item_properties import item_size, picture_properties
from image_assets.imaging.tiff_directory import HEIGHT, WIDTH, first_directory

HEAD_BYTES = 256 * 1024
"""How much of a file is looked at; phones write a hundred kilobytes of metadata before the size of a picture."""
_PREFIX_BYTES = 16

_Size = tuple[int, int]


def check_head(head: bytes, limits: InspectParams) -> None:
    """Refuse what the first bytes of a file show that bronze would refuse as well, in the same words.

    Raises:
        ImageError: not_an_image, unsupported_format, too_many_pixels, too_small, bad_aspect.
    """
    name = format_of(head)
    check_format(name)
    if name is None and not _is_known_to_pillow(head[:_PREFIX_BYTES]):
        raise not_an_image()
    size = announced_size(head)
    if size is not None:
        check_dimensions(*size, limits)


def announced_size(head: bytes) -> _Size | None:
    """Columns and rows as stored; None where the first bytes do not tell, or tell nonsense."""
    read = _SIZES.get(format_of(head) or "")
    try:
        size = read(head) if read else None
    except (struct.error, IndexError, ImageError):
        return None
    return size if size is not None and min(size) > 0 else None


def _is_known_to_pillow(prefix: bytes) -> bool:
    """Whether one of its plugins for allowed formats would look closer; they compare the first bytes only."""
    Image.init()
    accepting = (Image.OPEN[name][1] for name in ALLOWED_FORMATS if name in Image.OPEN)
    return any(accept is None or bool(accept(prefix)) for accept in accepting)


def _jpeg(head: bytes) -> _Size | None:
    """Of the last frame header before the first scan (ITU-T T.81, B.2.2), as decoders take it."""
    at, size = 2, None
    while head[at] == 0xFF:
        marker = head[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker == 0xDA:
            return size
        elif marker in _WITHOUT_LENGTH:
            at += 2
        else:
            if marker in _FRAMES:
                height_px, width_px = struct.unpack_from(">HH", head, at + 5)
                size = width_px, height_px
            at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return None


def _png(head: bytes) -> _Size | None:
    """W3C PNG, 11.2.1: the header is the first chunk."""
    return struct.unpack_from(">II", head, 16) if head[12:16] == b"IHDR" else None


def _bmp(head: bytes) -> _Size | None:
    """Windows GDI: the height is negative where the first row comes first."""
    if int.from_bytes(head[14:18], "little") < 40:
        return None
    width_px, height_px = struct.unpack_from("<ii", head, 18)
    return width_px, abs(height_px)


def _webp(head: bytes) -> _Size | None:
    """WebP container specification: the canvas of VP8X, else the frame of VP8 (RFC 6386, 9.1) or VP8L."""
    if head[12:16] == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if head[12:16] == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    if head[12:16] == b"VP8L" and head[20] == 0x2F:
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return None


def _tiff(head: bytes) -> _Size | None:
    directory = first_directory(head)
    return None if directory is None else (directory.first(WIDTH, 0), directory.first(HEIGHT, 0))


def _item(head: bytes) -> _Size | None:
    return None if head[8:12] == b"avis" else item_size(picture_properties(head))


_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset((0x01, *range(0xD0, 0xDA)))
_SIZES: dict[str, Callable[[bytes], _Size | None]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "BMP": _bmp,
    "WEBP": _webp,
    "TIFF": _tiff,
    "AVIF": _item,
    "HEIF": _item,
}
