"""ICC profiles made of three primaries and a curve, so that one engine converts whatever a file says of colours."""

import struct
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Curve: TypeAlias = npt.NDArray[np.float64]
"""Light, 0 to 1, of evenly spaced levels of a sample, lowest first."""

Matrix: TypeAlias = npt.NDArray[np.float64]

# ICC.1:2022, 7.2.16: the white of the profile connection space, D50.
_D50 = np.array((0.9642, 1.0, 0.8249))
# Cone responses by Bradford (ICC.1:2022, annex E).
_BRADFORD = np.array(((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)))
_HEADER_BYTES, _TAG_BYTES = 128, 12
# Smaller than any real triangle of primaries; its colours would be noise.
_LEAST_DETERMINANT = 0.01


class Chromaticities(NamedTuple):
    """CIE 1931 x and y of red, green, blue and white."""

    red: tuple[float, float]
    green: tuple[float, float]
    blue: tuple[float, float]
    white: tuple[float, float]


def matrix_profile(colours: Chromaticities, curves: Sequence[Curve]) -> bytes | None:
    """An ICC profile (version 2) of an RGB space; None if these cannot be the colours of one.

    Args:
        colours: the primaries and white.
        curves: one for all samples, or one each for red, green and blue; up to 65,535 levels.
    """
    matrix = _to_profile_connection_space(colours)
    if matrix is None:
        return None
    of_red, of_green, of_blue = (_curve(curve) for curve in (curves if len(curves) == 3 else [curves[0]] * 3))
    tags = {b"wtpt": _xyz(_D50), b"rTRC": of_red, b"gTRC": of_green, b"bTRC": of_blue}
    tags |= {kind: _xyz(column) for kind, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), matrix.T, strict=True)}
    return _profile(tags)


def _to_profile_connection_space(colours: Chromaticities) -> Matrix | None:
    """Linear RGB to XYZ under D50 (SMPTE RP 177 for the primaries, Bradford for the white)."""
    if not np.isfinite(colours).all() or colours.white[1] <= 0:
        return None
    primaries = np.array([(x, y, 1 - x - y) for x, y in colours[:3]]).T
    x, y = colours.white
    white = np.array((x, y, 1 - x - y)) / y
    if abs(np.linalg.det(primaries)) < _LEAST_DETERMINANT:
        return None
    shares = np.linalg.solve(primaries, white)
    cones = _BRADFORD @ white
    if shares.min() <= 0 or cones.min() <= 0:
        return None
    adaptation = np.linalg.solve(_BRADFORD, np.diag(_BRADFORD @ _D50 / cones) @ _BRADFORD)
    return np.asarray(adaptation @ primaries * shares)


def _profile(tags: dict[bytes, bytes]) -> bytes:
    at = _HEADER_BYTES + 4 + _TAG_BYTES * len(tags)
    table, elements = struct.pack(">I", len(tags)), b""
    for kind, element in tags.items():
        table += struct.pack(">4sII", kind, at + len(elements), len(element))
        elements += element
    return _header(at + len(elements)) + table + elements


def _header(size_bytes: int) -> bytes:
    """Version 2.1, a display of RGB, connected by XYZ under D50 (ICC.1:2001-04, 6.1)."""
    begin = struct.pack(">I4xI4s4s4s12x4s28x", size_bytes, 0x02100000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    return (begin + _fixed(_D50)).ljust(_HEADER_BYTES, b"\x00")


def _xyz(values: npt.NDArray[np.float64]) -> bytes:
    return b"XYZ \x00\x00\x00\x00" + _fixed(values)


def _fixed(values: npt.NDArray[np.float64]) -> bytes:
    """Numbers with 16 bits before and 16 behind the point."""
    return np.rint(values * 65536).astype(">i4").tobytes()


def _curve(curve: Curve) -> bytes:
    """Padded to whole words, as elements begin at them."""
    levels = np.rint(np.clip(curve, 0, 1) * 65535).astype(">u2").tobytes()
    return struct.pack(">4s4xI", b"curv", len(curve)) + levels + bytes(len(levels) % 4)
