"""Colours told by code points (ITU-T H.273, also ISO/IEC 23091-2; short CICP) as an ICC profile.

High dynamic range is tone-mapped by the curve of Report ITU-R BT.2390, 5.4.1, for each of red, green and blue: light up
to 1,000 cd/m², at which most of it is mastered, is brought within 203 cd/m², its diffuse white (Report ITU-R BT.2408).
The curves of BT.709 and its kin describe cameras, not screens: on a screen in a dim room they look as sRGB does in a
lit one, and pictures that are marked with them were made on such screens. They count as sRGB.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from image_assets.imaging.matrix_profile import Chromaticities, Curve, matrix_profile

_D65 = (0.3127, 0.3290)
_ILLUMINANT_C = (0.310, 0.316)
# H.273, table 2: ColourPrimaries -> red, green, blue, white.
_PRIMARIES = {
    1: Chromaticities((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), _D65),
    4: Chromaticities((0.670, 0.330), (0.210, 0.710), (0.140, 0.080), _ILLUMINANT_C),
    5: Chromaticities((0.640, 0.330), (0.290, 0.600), (0.150, 0.060), _D65),
    6: Chromaticities((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    7: Chromaticities((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    8: Chromaticities((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _ILLUMINANT_C),
    9: Chromaticities((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    10: Chromaticities((1.0, 0.0), (0.0, 1.0), (0.0, 0.0), (1 / 3, 1 / 3)),
    11: Chromaticities((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: Chromaticities((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),
    22: Chromaticities((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), _D65),
}
SRGB_PRIMARIES = _PRIMARIES[1]
_PERCEPTUAL_QUANTIZER, _HYBRID_LOG_GAMMA = 16, 18
# As many levels as an 8-bit sample has: none is interpolated.
_LEVELS = np.linspace(0, 1, 256)
# H.273, 8.3: black and white of samples that leave room for overshoot.
_NARROW_BLACK, _NARROW_WHITE = 16 / 255, 235 / 255
# BT.2408: peak of a common master and diffuse white, in cd/m².
_PEAK, _WHITE = 1000.0, 203.0
# BT.2100, table 4: the perceptual quantizer.
_M1, _M2, _C1, _C2, _C3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
_PQ_PEAK = 10_000.0
# BT.2100, table 5: hybrid log-gamma, and its system gamma at a peak of 1,000 cd/m².
_A, _B, _C, _HLG_GAMMA = 0.17883277, 0.28466892, 0.55991073, 1.2


class CodePoints(NamedTuple):
    """Colour primaries, transfer characteristics, and whether samples use their full range."""

    primaries: int
    transfer: int
    is_full_range: bool = True

    @property
    def is_high_dynamic_range(self) -> bool:
        """Whether light goes far beyond the white of a page."""
        return self.transfer in (_PERCEPTUAL_QUANTIZER, _HYBRID_LOG_GAMMA)


@lru_cache(maxsize=32)
def profile_of(points: CodePoints) -> bytes | None:
    """The ICC profile that these say, what one leaves unspecified as in sRGB; None where both do, or are unknown."""
    if points.primaries not in _PRIMARIES and points.transfer not in _TRANSFERS:
        return None
    levels = _LEVELS if points.is_full_range else (_LEVELS - _NARROW_BLACK) / (_NARROW_WHITE - _NARROW_BLACK)
    light = _TRANSFERS.get(points.transfer, srgb_curve)
    return matrix_profile(_PRIMARIES.get(points.primaries, SRGB_PRIMARIES), [light(np.clip(levels, 0, 1))])


def srgb_curve(levels: Curve = _LEVELS) -> Curve:
    """Light of levels in sRGB (IEC 61966-2-1)."""
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def gamma_curve(exponent: float, levels: Curve = _LEVELS) -> Curve:
    """Light of levels as a power."""
    return np.asarray(levels**exponent)


def _logarithmic(decades: float) -> Callable[[Curve], Curve]:
    return lambda levels: np.where(levels > 0, 10 ** ((levels - 1) * decades), 0)


def _cinema(levels: Curve) -> Curve:
    """SMPTE ST 428-1."""
    return np.asarray(levels**2.6 * 52.37 / 48)


def _perceptual_quantizer(levels: Curve) -> Curve:
    return _tone_mapped(_pq_light(levels))


def _hybrid_log_gamma(levels: Curve) -> Curve:
    scene = np.where(levels <= 0.5, levels**2 / 3, (np.exp((levels - _C) / _A) + _B) / 12)
    return _tone_mapped(_PEAK * scene**_HLG_GAMMA)


def _pq_light(levels: Curve) -> Curve:
    """In cd/m²."""
    root = levels ** (1 / _M2)
    return np.asarray(_PQ_PEAK * (np.maximum(root - _C1, 0) / (_C2 - _C3 * root)) ** (1 / _M1))


def _pq_level(light: Curve | float) -> Curve:
    power = (np.asarray(light) / _PQ_PEAK) ** _M1
    return np.asarray(((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2)


def _tone_mapped(light: Curve) -> Curve:
    """Light up to the peak, in cd/m², brought below diffuse white: as it is up to a knee, then by a Hermite spline."""
    top = _pq_level(_PEAK)
    level = np.minimum(_pq_level(light) / top, 1)
    highest = _pq_level(_WHITE) / top
    knee = 1.5 * highest - 0.5
    t = np.maximum(level - knee, 0) / (1 - knee)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * highest
    return _pq_light(np.where(level < knee, level, spline) * top) / _WHITE


# H.273, table 3: TransferCharacteristics -> light of levels. 1, 6, 7, 11, 12, 14 and 15 are BT.709 and its kin.
_TRANSFERS: dict[int, Callable[[Curve], Curve]] = {
    **dict.fromkeys((1, 6, 7, 11, 12, 13, 14, 15), srgb_curve),
    4: lambda levels: gamma_curve(2.2, levels),
    5: lambda levels: gamma_curve(2.8, levels),
    8: lambda levels: levels,
    9: _logarithmic(2),
    10: _logarithmic(2.5),
    _PERCEPTUAL_QUANTIZER: _perceptual_quantizer,
    17: _cinema,
    _HYBRID_LOG_GAMMA: _hybrid_log_gamma,
}
