"""JPEGs held to more than Pillow asks of them.

Where a stream breaks off or does not decode, libjpeg fills the hole with grey and warns. Pillow does not hear it,
simplejpeg does, but tells of the first warning only, which may be a harmless one. So where it is content, its pixels
are used; where it complains, the file is brought into its plain form and decoded once more, and then a complaint is
a loss of pixels. What simplejpeg cannot decode at all is checked by libvips, and its pixels are Pillow's.
"""

import io
import re

import numpy as np
import pyvips
import simplejpeg
from PIL import Image, JpegImagePlugin

from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.container import ends_early
from image_assets.imaging.pixels import Pixels
from image_assets.imaging.plain_jpeg import PlainJpeg, plain_jpeg

# Pillow's mode -> what simplejpeg calls it, the colour spaces it takes that from, and the number of components.
_LAYOUTS = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}
_COLOUR_SPACES = {
    "RGB": frozenset(("RGB", "YCbCr", "Gray")),
    "GRAY": frozenset(("RGB", "YCbCr", "Gray")),
    "CMYK": frozenset(("CMYK", "YCCK")),
}
_BANDS = {"RGB": 3, "GRAY": 1, "CMYK": 4}
# libjpeg's warnings of lost pixels (jerror.h: JPEG_EOF, HIT_MARKER, HUFF_BAD_CODE, ARITH_BAD_CODE, MUST_RESYNC,
# BOGUS_PROGRESSION, EXTRANEOUS_DATA); for the last see `PlainJpeg.without_remains`.
_LOSSES = (
    "premature end",
    "bad huffman code",
    "bad arithmetic code",
    "instead of rst",
    "inconsistent progression",
    "extraneous bytes",
)
_REMAINS = re.compile(r"(\d+) extraneous bytes before marker 0x([0-9a-f]{2})")
# What libjpeg has read ahead it does not count: remains are taken away in pieces. Few scans of a picture have any.
_PIECES = 6


def read_strictly(image: Image.Image, data: bytes, scale: int) -> Pixels | None:
    """The pixels of an opened JPEG as stored, in its mode; None for other formats, and modes that JPEG rarely has.

    Args:
        image: the file as Pillow opened it.
        data: the whole file.
        scale: 1, 2, 4 or 8; the picture is decoded at that part of its sides, rounded up.

    Raises:
        ImageError: truncated, corrupt; to be called inside `foreign_decoder` for the rest.
    """
    if not isinstance(image, JpegImagePlugin.JpegImageFile) or image.mode not in _LAYOUTS:
        return None
    layout = _LAYOUTS[image.mode]
    # A JPEG without quantization is lossless: libjpeg does not scale it.
    scale = scale if image.quantization else 1
    # Of scans that never came libjpeg does not warn.
    if image.info.get("progressive") and not plain_jpeg(data).has_every_scan():
        raise _lost(data, "scans of a progressive picture are missing")
    try:
        pixels = decode_scaled(data, layout, scale)
        if pixels is not None:
            return pixels
    except (ValueError, KeyError):
        pass
    return _read_plainly(data, layout, scale)


def decode_scaled(data: bytes, layout: str, scale: int) -> Pixels | None:
    """A JPEG at 1/1, 1/2, 1/4 or 1/8 of its sides, rounded up; None where its colours are left to Pillow.

    Safe in threads, which it lets run meanwhile. Raises ValueError for whatever libjpeg complains of.
    """
    rows, columns, colour_space, _ = simplejpeg.decode_jpeg_header(data)
    if colour_space not in _COLOUR_SPACES[layout]:
        return None
    # Room for the picture in full, whatever the scale: for a file made to look other than it is, libjpeg ignores
    # the scale, and simplejpeg would write behind a smaller array. What is not written costs no memory.
    room = np.empty(rows * columns * _BANDS[layout], dtype=np.uint8)
    pixels: Pixels = simplejpeg.decode_jpeg(
        data, layout, min_height=-(-rows // scale), min_width=-(-columns // scale), buffer=room
    )
    if layout == "CMYK":
        # Pillow's CMYK is how much ink there is, libjpeg's how little.
        return np.invert(pixels, out=pixels)
    return pixels if layout == "RGB" else pixels[..., 0]


def _read_plainly(data: bytes, layout: str, scale: int) -> Pixels:
    """As above, for a file over which simplejpeg complained."""
    plain = plain_jpeg(data)
    for _ in range(_PIECES):
        try:
            pixels = decode_scaled(plain.written(), layout, scale)
            return _read_by_pillow(plain, data) if pixels is None else pixels
        except (ValueError, KeyError) as complaint:
            remains = _REMAINS.search(str(complaint))
            shorter = plain.without_remains(int(remains[1]), int(remains[2], 16)) if remains else None
            if shorter is None:
                return _refused_or_read(plain, data, str(complaint))
            plain = shorter
    raise _lost(data, "more than a few of its scans are padded")


def _refused_or_read(plain: PlainJpeg, data: bytes, complaint: str) -> Pixels:
    if any(loss in complaint.lower() for loss in _LOSSES):
        raise _lost(data, complaint)
    return _read_by_pillow(plain, data)


def _read_by_pillow(plain: PlainJpeg, data: bytes) -> Pixels:
    """What simplejpeg has no name for: libvips hears the warnings, Pillow has the pixels."""
    written = plain.written()
    try:
        pyvips.Image.jpegload_buffer(written, fail_on="warning").avg()
    except pyvips.Error as error:
        raise _lost(data, " ".join(error.detail.split())) from error
    return np.asarray(Image.open(io.BytesIO(written), formats=["JPEG"]))


def _lost(data: bytes, complaint: str) -> ImageError:
    reason = RejectionReason.TRUNCATED if ends_early(data) else RejectionReason.CORRUPT
    return ImageError(reason, f"pixels are lost: {complaint}")
