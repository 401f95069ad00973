"""JPEGs held to more than Pillow asks of them.

Where a stream breaks off or does not decode, libjpeg fills the hole with grey and warns. Pillow does not hear it,
simplejpeg does. Where it is content, its pixels are used. Where it complains, Pillow is asked as well: what Pillow
refuses is refused for Pillow's reason; what Pillow accepts is refused if pixels were lost. Other complaints, such as
stray bytes between two segments, which cameras do write, are not the picture's: then Pillow's pixels are used.
"""

import numpy as np
import simplejpeg
from PIL import Image, JpegImagePlugin

from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.container import ends_early
from image_assets.imaging.resize import Pixels

# Pillow's mode -> what simplejpeg calls it. CMYK in its variants stays with Pillow.
_LAYOUTS = {"RGB": "RGB", "L": "GRAY"}
_COLOUR_SPACES = frozenset(("RGB", "YCbCr", "Gray"))
# libjpeg's warnings of lost pixels (jerror.h: HIT_MARKER, HUFF_BAD_CODE, ARITH_BAD_CODE, MUST_RESYNC).
_LOSSES = ("premature end of data segment", "bad Huffman code", "bad arithmetic code", "instead of RST")


def read_strictly(image: Image.Image, data: bytes, scale: int) -> Pixels | None:
    """The pixels of an opened JPEG as stored; None where those that Pillow decodes are to be used.

    Args:
        image: the file as Pillow opened it.
        data: the whole file.
        scale: 1, 2, 4 or 8; the picture is decoded at that part of its sides, rounded up.

    Raises:
        ImageError: truncated, corrupt; to be called inside `foreign_decoder` for the rest.
    """
    # A JPEG without quantization is lossless: libjpeg would not scale it.
    if not isinstance(image, JpegImagePlugin.JpegImageFile) or not image.quantization or image.mode not in _LAYOUTS:
        return None
    try:
        return decode_scaled(data, _LAYOUTS[image.mode], scale)
    # KeyError: a way to subsample colours that simplejpeg has no name for.
    except (ValueError, KeyError) as complaint:
        image.load()
        _refuse_lost_pixels(data, str(complaint))
        return None


def decode_scaled(data: bytes, layout: str, scale: int) -> Pixels | None:
    """A JPEG at 1/1, 1/2, 1/4 or 1/8 of its sides, rounded up; None where its colours are left to Pillow.

    Safe in threads, which it lets run meanwhile. Raises ValueError for whatever libjpeg complains of.
    """
    rows, columns, colour_space, _ = simplejpeg.decode_jpeg_header(data)
    if colour_space not in _COLOUR_SPACES:
        return None
    # Room for the picture in full, whatever the scale: for a file made to look other than it is, libjpeg ignores
    # the scale, and simplejpeg would write behind a smaller array. What is not written costs no memory.
    room = np.empty(rows * columns * 3, dtype=np.uint8)
    pixels: Pixels = simplejpeg.decode_jpeg(
        data, layout, min_height=-(-rows // scale), min_width=-(-columns // scale), buffer=room
    )
    return pixels if layout == "RGB" else pixels[..., 0]


def _refuse_lost_pixels(data: bytes, complaint: str) -> None:
    loss = next((loss for loss in _LOSSES if loss in complaint), None)
    if loss is not None:
        reason = RejectionReason.TRUNCATED if ends_early(data) else RejectionReason.CORRUPT
        raise ImageError(reason, f"pixels are lost: {complaint}")
