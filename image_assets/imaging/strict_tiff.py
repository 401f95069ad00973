"""TIFFs held to more than libtiff asks of them (TIFF 6.0).

libtiff stops at the last pixel, before the checksum of a deflated strip, and takes what libjpeg makes of a damaged
JPEG strip: both are looked at again. Of lost lines of a fax it only warns, which Pillow switches off: libvips listens.
Its errors, over many of which it goes on as well, are heard by `foreign_decoder`.
"""

import io
import logging
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pyvips
from PIL import Image, TiffImagePlugin

from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.strict_jpeg import read_strictly
from image_assets.imaging.tiff_directory import COMPRESSION, FILL_ORDER, TiffDirectory, first_directory

_JPEG, _DEFLATE, _OLD_DEFLATE = 7, 8, 32946
_FAXES, _PACK_BITS = (2, 3, 4), 32773
# libtiff's warnings of lost pixels (tif_fax3.h, tif_packbits.c).
_LOSSES = ("premature eol", "line length mismatch", "bad code word", "avoid buffer overrun")
_PIECE_BYTES = 1 << 20
# No pixel takes more: four samples of 64 bits. A strip that goes on and on is not followed.
_BYTES_PER_PIXEL = 32
_SMALLEST_SCALE = 8


def check_strips(image: Image.Image, data: bytes) -> None:
    """Raise `ImageError` (corrupt) where a strip or tile of an opened TIFF is damaged and its compression tells."""
    directory = first_directory(data) if isinstance(image, TiffImagePlugin.TiffImageFile) else None
    if directory is None or directory.first(FILL_ORDER, 1) != 1:
        return
    compression = directory.first(COMPRESSION, 1)
    if compression in (_DEFLATE, _OLD_DEFLATE):
        _check_deflated(directory, data, image.width * image.height * _BYTES_PER_PIXEL)
    elif compression == _JPEG:
        _check_jpegs(directory, data)
    elif compression in (*_FAXES, _PACK_BITS):
        _check_runs(data)


def _check_deflated(directory: TiffDirectory, data: bytes, most_bytes: int) -> None:
    for number, (offset, size) in enumerate(_blocks(directory, data)):
        stream, coded = zlib.decompressobj(), data[offset : offset + size]
        while coded and not stream.eof and most_bytes > 0:
            try:
                most_bytes -= len(stream.decompress(coded, _PIECE_BYTES))
            except zlib.error as error:
                raise ImageError(RejectionReason.CORRUPT, f"strip or tile {number}: {error}") from error
            coded = stream.unconsumed_tail


def _check_jpegs(directory: TiffDirectory, data: bytes) -> None:
    tables = directory.jpeg_tables()
    for offset, size in _blocks(directory, data):
        strip = data[offset : offset + size]
        whole = tables[:-2] + strip[2:] if tables else strip
        read_strictly(Image.open(io.BytesIO(whole), formats=["JPEG"]), whole, _SMALLEST_SCALE)


def _blocks(directory: TiffDirectory, data: bytes) -> Iterator[tuple[int, int]]:
    """Strips or tiles, as many as fit into the file: a list that names one place over and over is not followed."""
    left = len(data)
    for offset, size in directory.blocks():
        left -= size
        if left < 0:
            return
        yield offset, size


def _check_runs(data: bytes) -> None:
    with _warnings_of_libvips() as warned, suppress(pyvips.Error):  # what libvips cannot read, Pillow has read
        pyvips.Image.tiffload_buffer(data).avg()
    lost = next((line for line in warned if any(loss in line.lower() for loss in _LOSSES)), None)
    if lost is not None:
        raise ImageError(RejectionReason.CORRUPT, f"pixels are lost: {lost}")


@contextmanager
def _warnings_of_libvips() -> Iterator[list[str]]:
    """What libvips hears from its decoders meanwhile; pyvips logs it."""
    logger, lines = logging.getLogger("pyvips"), list[str]()
    listener = logging.Handler()
    listener.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign] # one method
    before, logger.propagate = logger.propagate, False
    logger.addHandler(listener)
    try:
        yield lines
    finally:
        logger.removeHandler(listener)
        logger.propagate = before
