"""Two resamplers with one filter, and which of them a picture goes to.

Catmull-Rom is nearly as faithful as Lanczos, as free of false patterns, and cheaper. fast_image_resize wants a copy of
the pixels and costs nothing besides; libvips reads them where they are, and a call of it costs what a small picture
does. So pictures of which a copy is cheap go to the one, and all others to the other, those of machines among them for
which there is no wheel of fast_image_resize (Linux on ARM).
"""

from typing import TypeAlias

import numpy as np
import pyvips

from image_assets.imaging.allocator import keep_freed_memory
from image_assets.imaging.pixels import Pixels

try:
    import cykooz_resizer
except ImportError:
    HAS_FAST_IMAGE_RESIZE = False
else:
    HAS_FAST_IMAGE_RESIZE = True
    _PIXEL_TYPES = {
        1: cykooz_resizer.PixelType.U8,
        3: cykooz_resizer.PixelType.U8x3,
        4: cykooz_resizer.PixelType.U8x4,
    }
    _FILTER = cykooz_resizer.ResizeAlg.convolution(cykooz_resizer.FilterType.catmull_rom)
    _OPTIONS = cykooz_resizer.ResizeOptions(_FILTER, use_alpha=False)
"""Whether this machine has it."""

Size: TypeAlias = tuple[int, int]
"""Columns and rows."""

# Settings of the whole process. The workers fill the processors, so one thread; no file comes twice, so no cache.
pyvips.concurrency_set(1)
pyvips.cache_set_max(0)
keep_freed_memory()

# No JPEG is larger that was decoded at a scale of its own, and beyond it libvips is the faster one.
_MOST_COPIED_BYTES = 24 * 2**20
# A picture over twice this much too large is averaged down to at least this much before the filter is applied.
_GAP = 4


def resample(pixels: Pixels, size: Size) -> Pixels:
    """The picture at this size, each of its pixels from all that fall into it."""
    is_copied = HAS_FAST_IMAGE_RESIZE and pixels.nbytes <= _MOST_COPIED_BYTES
    return by_fast_image_resize(pixels, size) if is_copied else by_libvips(pixels, size)


def by_fast_image_resize(pixels: Pixels, size: Size) -> Pixels:
    """In a resizer of its own for each picture: it locks itself while it works."""
    rows, columns, bands = np.atleast_3d(pixels).shape
    kind = _PIXEL_TYPES[bands]
    small = cykooz_resizer.ImageData(*size, kind)
    cykooz_resizer.Resizer().resize(cykooz_resizer.ImageData(columns, rows, kind, pixels.tobytes()), small, _OPTIONS)
    return np.frombuffer(small.get_buffer(), np.uint8).reshape(size[1], size[0], *pixels.shape[2:])


def by_libvips(pixels: Pixels, size: Size) -> Pixels:
    """Without a copy, and with `MemoryError` where there is no room for the result."""
    rows, columns, bands = np.atleast_3d(pixels).shape
    view = pyvips.Image.new_from_memory(np.ascontiguousarray(pixels).data, columns, rows, bands, "uchar")
    try:
        small = view.resize(size[0] / columns, vscale=size[1] / rows, kernel="cubic", gap=_GAP).numpy()
    except pyvips.Error as error:
        if "out of memory" in str(error):
            raise MemoryError(" ".join(str(error).split())) from error
        raise
    return np.asarray(small).reshape(size[1], size[0], *pixels.shape[2:])
