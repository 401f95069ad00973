"""Files that decoders refuse although no pixel is missing, brought into a form that they read.

Only what is no picture is touched: a lost end behind the last pixel, ancillary chunks that break their own rules, the
pictures behind the first of a TIFF. Whether pixels are missing is for the decoders to say.
"""

import zlib
from collections.abc import Callable
from itertools import islice

from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.container import Chunk, png_chunks, walk_gif, webp_chunks
from image_assets.imaging.formats import format_of
from image_assets.imaging.tiff_directory import first_picture_alone

# A hundred megabytes in pieces of a kilobyte; encoders write some of eight and more.
_MOST_CHUNKS = 100_000
_IEND = b"\x00\x00\x00\x00IEND" + zlib.crc32(b"IEND").to_bytes(4, "big")
# Ancillary chunks that have one length only (W3C PNG, 11.3).
_PNG_LENGTHS = {b"cHRM": 32, b"gAMA": 4, b"sRGB": 1, b"cICP": 4, b"pHYs": 9, b"tIME": 7, b"acTL": 8, b"fcTL": 26}
# W3C PNG, 5.4: the fifth bit of a kind's first letter says that pictures can be shown without such chunks.
_ANCILLARY = 0x20
_PNG_WORDS = frozenset((b"tEXt", b"zTXt", b"iTXt"))
_PNG_WORDS_READ = (b"XML:com.adobe.xmp\0", b"Raw profile type exif\0", b"Raw profile type APP1\0", b"exif\0")
_DEFLATE = b"\0"
_J2K_END = b"\xff\xd9"
_WEBP_METADATA = frozenset((b"EXIF", b"XMP "))


def mended(data: bytes) -> bytes:
    """The same bytes where there is nothing to mend.

    Raises:
        ImageError: too_large, in more pieces than anybody can want to look through.
    """
    mend = _MENDERS.get(format_of(data) or "")
    return data if mend is None else mend(data)


def _mended_png(data: bytes) -> bytes:
    chunks = list(islice(png_chunks(data), _MOST_CHUNKS + 1))
    if len(chunks) > _MOST_CHUNKS:
        raise ImageError(RejectionReason.TOO_LARGE, f"over {_MOST_CHUNKS} chunks")
    whole = [chunk for chunk in chunks if chunk.end <= len(data)]
    kept = [chunk for chunk in whole if _is_of_use(data, chunk)]
    kinds = {chunk.kind for chunk in whole}
    # An animation's end is more than its IEND, and a cut IDAT is cut pixels.
    is_cut = chunks[-1:] != whole[-1:]
    lost = b"IDAT" in kinds and not kinds & {b"IEND", b"acTL"} and not (is_cut and chunks[-1].kind == b"IDAT")
    if len(kept) == len(chunks) and not lost:
        return data
    return data[:8] + b"".join(data[chunk.at : chunk.end] for chunk in kept) + (_IEND if lost else b"")


def _is_of_use(data: bytes, chunk: Chunk) -> bool:
    """Whether an ancillary chunk obeys its own rules and, if it holds words, is read by anybody.

    libpng warns of such chunks and goes on; Pillow refuses the picture, and one that has many words as well.
    """
    if not chunk.kind[0] & _ANCILLARY:
        return True
    content = data[chunk.at + 8 : chunk.end - 4]
    if zlib.crc32(chunk.kind + content).to_bytes(4, "big") != data[chunk.end - 4 : chunk.end]:
        return False
    if chunk.kind in _PNG_WORDS:
        return content.startswith(_PNG_WORDS_READ)
    if chunk.kind == b"iCCP":
        return content.partition(b"\0")[2][:1] == _DEFLATE
    return chunk.length == _PNG_LENGTHS.get(chunk.kind, chunk.length)


def _mended_gif(data: bytes) -> bytes:
    """With its trailer, and the end of a chain of sub-blocks, where the file ends there."""
    walk = walk_gif(data)
    missing = walk.end - len(data)
    return data if walk.has_trailer or missing not in (0, 1) or not walk.pictures else data + bytes(missing) + b"\x3b"


def _mended_webp(data: bytes) -> bytes:
    """Without a last chunk of metadata that was cut off."""
    for chunk in webp_chunks(data):
        if chunk.end > len(data):
            size = (chunk.at - 8).to_bytes(4, "little")
            return b"".join((data[:4], size, data[8 : chunk.at])) if chunk.kind in _WEBP_METADATA else data
    return data


def _mended_jpeg2000(data: bytes) -> bytes:
    """With its end-of-codestream marker; openjpeg finds for itself that packets are missing."""
    coded = data.rstrip(b"\x00")
    return data if coded.endswith(_J2K_END) else coded.removesuffix(_J2K_END[:1]) + _J2K_END


_MENDERS: dict[str, Callable[[bytes], bytes]] = {
    "PNG": _mended_png,
    "GIF": _mended_gif,
    "WEBP": _mended_webp,
    "JPEG2000": _mended_jpeg2000,
    "TIFF": first_picture_alone,
}
