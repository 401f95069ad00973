"""The ways in which uploads go wrong, each with the reason for which it must be rejected."""

import functools
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from PIL import Image

from image_assets.errors import RejectionReason
from image_assets.samples.encoding import decode, encode

Spoil: TypeAlias = Callable[[bytes], bytes]
"""A fine JPEG in, the file that arrived instead out."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Mishap:
    """One way of going wrong.

    Attributes:
        kind: its name.
        reason: why the platform must reject the file.
        extension: what the file's name ends with, often a lie.
        spoil: makes the file from a fine JPEG.
    """

    kind: str
    reason: RejectionReason
    extension: str
    spoil: Spoil


def empty_file(_photo: bytes) -> bytes:
    """An upload that never started."""
    return b""


def text_file(_photo: bytes) -> bytes:
    """A note that was renamed to .jpg."""
    return "Красное платье, размер 44, почти новое.\nPrice: 25 EUR\n".encode()


def html_error_page(_photo: bytes) -> bytes:
    """What a proxy said instead of the photo."""
    return (
        b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>"
        b"<body><h1>502 Bad Gateway</h1><hr>nginx/1.24.0</body></html>\n"
    )


def half_jpeg(photo: bytes) -> bytes:
    """A connection that broke in the middle."""
    return photo[: photo.index(b"\xff\xda") + (len(photo) - photo.index(b"\xff\xda")) // 2]


def half_png(photo: bytes) -> bytes:
    """The same with a PNG."""
    png = _small_png(photo)
    return png[: len(png) // 2]


def overwritten_jpeg(photo: bytes) -> bytes:
    """A bad block in the middle of the scan; no decoder gets past its markers (SOF3, lossless frames)."""
    middle = (photo.rindex(b"\xff\xda") + len(photo)) // 2
    return photo[:middle] + b"\xff\xc3" * 80 + photo[middle + 160 :]


def overwritten_png(photo: bytes) -> bytes:
    """Zeros in the middle of the compressed pixels."""
    png = _small_png(photo)
    middle = len(png) // 2
    return png[:middle] + bytes(64) + png[middle + 64 :]


def png_with_wrong_checksum(photo: bytes) -> bytes:
    """A header whose CRC (bytes 29 to 33) does not fit."""
    png = _small_png(photo)
    return png[:29] + bytes(byte ^ 0xFF for byte in png[29:33]) + png[33:]


def png_bomb(_photo: bytes) -> bytes:
    """400 million black pixels in some 50 kB."""
    return _bomb()


@functools.cache
def _bomb(side: int = 20_000) -> bytes:
    row = bytes(1 + side // 8)
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    pixels = zlib.compress(row * side, level=1)
    return _PNG_SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def tiny_picture(photo: bytes) -> bytes:
    """A tracking pixel: 3 x 3."""
    return encode(decode(photo).resize((3, 3)), "PNG")


def long_strip(photo: bytes) -> bytes:
    """A page's border: 8000 x 50."""
    return encode(decode(photo).resize((8000, 50), Image.Resampling.NEAREST), "JPEG", quality=60)


def svg_with_script(_photo: bytes) -> bytes:
    """A drawing that would run in the browser of whoever opens it."""
    return (
        b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="400" height="400">'
        b'<script>alert(document.cookie)</script><rect width="400" height="400" fill="red"/></svg>\n'
    )


def postscript(_photo: bytes) -> bytes:
    """A program for a printer."""
    header = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 200 200\n"
    return header + b"newpath 0 0 moveto 200 200 lineto stroke\nshowpage\n"


def pdf_document(photo: bytes) -> bytes:
    """An invoice: one page with the photo's thumbnail."""
    page = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
    return page + b"trailer<</Root 1 0 R>>\n%%EOF\n" + struct.pack(">I", len(photo))


def zip_archive(photo: bytes) -> bytes:
    """All photos at once, as the seller thought."""
    return zip_of("dress.jpg", photo[:20_000])


def zip_of(name: str, content: bytes) -> bytes:
    """A ZIP with one stored member, dated 1980-01-01."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def gif_header_only(_photo: bytes) -> bytes:
    """A GIF that promises 320 x 240 pixels and a colour table, and ends."""
    return b"GIF89a" + struct.pack("<HHBBB", 320, 240, 0xF7, 0, 0)


def tiff_with_bad_offset(_photo: bytes) -> bytes:
    """A TIFF whose first directory is said to lie far behind its end."""
    return b"II*\x00" + struct.pack("<I", 0x7FFF_FFF0) + bytes(64)


def _small_png(photo: bytes) -> bytes:
    return encode(decode(photo).resize((300, 400), Image.Resampling.BILINEAR), "PNG", compress_level=1)


MISHAPS = (
    Mishap("empty_file", RejectionReason.EMPTY, "jpg", empty_file),
    Mishap("text_file", RejectionReason.NOT_AN_IMAGE, "jpg", text_file),
    Mishap("html_error_page", RejectionReason.NOT_AN_IMAGE, "jpg", html_error_page),
    Mishap("half_jpeg", RejectionReason.TRUNCATED, "jpg", half_jpeg),
    Mishap("half_png", RejectionReason.TRUNCATED, "png", half_png),
    Mishap("overwritten_jpeg", RejectionReason.CORRUPT, "jpg", overwritten_jpeg),
    Mishap("overwritten_png", RejectionReason.CORRUPT, "png", overwritten_png),
    Mishap("png_with_wrong_checksum", RejectionReason.CORRUPT, "png", png_with_wrong_checksum),
    Mishap("png_bomb", RejectionReason.TOO_MANY_PIXELS, "png", png_bomb),
    Mishap("tiny_picture", RejectionReason.TOO_SMALL, "png", tiny_picture),
    Mishap("long_strip", RejectionReason.BAD_ASPECT, "jpg", long_strip),
    Mishap("svg_with_script", RejectionReason.UNSUPPORTED_FORMAT, "svg", svg_with_script),
    Mishap("postscript", RejectionReason.UNSUPPORTED_FORMAT, "eps", postscript),
    Mishap("pdf_document", RejectionReason.UNSUPPORTED_FORMAT, "pdf", pdf_document),
    Mishap("zip_archive", RejectionReason.NOT_AN_IMAGE, "zip", zip_archive),
    Mishap("gif_header_only", RejectionReason.TRUNCATED, "gif", gif_header_only),
    Mishap("tiff_with_bad_offset", RejectionReason.TRUNCATED, "tif", tiff_with_bad_offset),
)
"""Every way, in no order that matters."""
