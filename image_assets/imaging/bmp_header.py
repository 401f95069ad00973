"""What Pillow does not read of a bitmap (Windows GDI: BITMAPV3INFOHEADER, BITMAPV4HEADER, BITMAPV5HEADER).

Its end points are read as browsers read them: for their chromaticities, under D65.
"""

import struct

import numpy as np
import numpy.typing as npt

from image_assets.imaging.code_points import SRGB_PRIMARIES, gamma_curve
from image_assets.imaging.matrix_profile import Chromaticities, matrix_profile

_FILE_HEADER_BYTES = 14
_V3_BYTES, _V4_BYTES, _V5_BYTES = 56, 108, 124
_ALPHA_MASK, _COLOUR_SPACE, _END_POINTS, _PROFILE = 52, 56, 60, 112
_BY_MASKS = 3
_CALIBRATED, _EMBEDDED = b"\x00\x00\x00\x00", b"DEBM"
_GAMMA_UNIT = 65536
_GAMMAS = (0.1, 10.0)


def read_bitmap_alpha(data: bytes) -> npt.NDArray[np.uint8] | None:
    """Rows x columns, 255 opaque, of a bitmap of 16 bits that has a mask for it; of 32 bits Pillow reads it."""
    if len(data) < _FILE_HEADER_BYTES + _V3_BYTES:
        return None
    size_bytes, width_px, height_px, _, bits, compression = struct.unpack_from("<IiiHHI", data, _FILE_HEADER_BYTES)
    (mask,) = struct.unpack_from("<I", data, _FILE_HEADER_BYTES + _ALPHA_MASK)
    if size_bytes < _V3_BYTES or (bits, compression) != (16, _BY_MASKS) or not mask:
        return None
    start, per_row = int.from_bytes(data[10:14], "little"), (width_px + 1) // 2 * 2
    samples = np.frombuffer(data, dtype="<u2", count=per_row * abs(height_px), offset=start)
    rows = samples.reshape(abs(height_px), per_row)[:, :width_px]
    # The lowest row comes first where the height is positive.
    upright = rows[::-1] if height_px > 0 else rows
    return np.asarray((upright & mask).astype(np.uint32) * 255 // mask, dtype=np.uint8)


def read_bitmap_profile(data: bytes) -> bytes | None:
    """The ICC profile that is embedded, or made of the end points and gammas; None means sRGB."""
    header = data[_FILE_HEADER_BYTES:]
    size_bytes = int.from_bytes(header[:4], "little")
    if size_bytes not in (_V4_BYTES, _V5_BYTES) or len(header) < size_bytes:
        return None
    kind = header[_COLOUR_SPACE : _COLOUR_SPACE + 4]
    if kind == _EMBEDDED and size_bytes == _V5_BYTES:
        at, length = struct.unpack_from("<II", header, _PROFILE)
        return header[at : at + length]
    return _calibrated(header) if kind == _CALIBRATED else None


def _calibrated(header: bytes) -> bytes | None:
    numbers = struct.unpack_from("<12i", header, _END_POINTS)
    sums = [sum(numbers[at : at + 3]) for at in (0, 3, 6)]
    gammas = [gamma / _GAMMA_UNIT for gamma in numbers[9:]]
    # Most writers leave these fields empty.
    if min(sums) <= 0 or not all(_GAMMAS[0] <= gamma <= _GAMMAS[1] for gamma in gammas):
        return None
    red, green, blue = ((numbers[3 * i] / sums[i], numbers[3 * i + 1] / sums[i]) for i in range(3))
    colours = Chromaticities(red, green, blue, SRGB_PRIMARIES.white)
    return matrix_profile(colours, [gamma_curve(gamma) for gamma in gammas])
