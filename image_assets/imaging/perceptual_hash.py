"""A fingerprint that survives resizing and recompression: pHash, that of `imagehash.phash`."""

import numpy as np
from PIL import Image

from image_assets.imaging.pixels import GreyImage
from image_assets.imaging.resample import resample

_SIDE_PX, _WAVES = 32, 8
# Cosines in whole numbers: the same hash on every machine, and waves that a symmetric picture lacks are none at all.
_ONE = 2**20
_COSINES = np.rint(
    _ONE * np.cos(np.pi * np.arange(_WAVES)[:, None] * (2 * np.arange(_SIDE_PX) + 1) / (2 * _SIDE_PX))
).astype(np.int64)


def perceptual_hash(grey: GreyImage) -> str:
    """64 bits as 16 hexadecimal digits: which of the lowest 8 x 8 waves of a 32 x 32 DCT are above their median."""
    waves = _COSINES @ _squeezed(grey).astype(np.int64) @ _COSINES.T
    ordered = np.sort(waves, axis=None)
    middle = ordered.size // 2
    return np.packbits(2 * waves > ordered[middle - 1] + ordered[middle]).tobytes().hex()


def _squeezed(grey: GreyImage) -> GreyImage:
    """32 x 32; Pillow enlarges what is smaller, and would take many times longer for the rest."""
    size = _SIDE_PX, _SIDE_PX
    if min(grey.shape) < _SIDE_PX:
        return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.LANCZOS))
    return resample(grey, size)


def hamming_distance(one: str, other: str) -> int:
    """Bits in which two hashes of 16 hexadecimal digits differ, 0 to 64."""
    return (int(one, 16) ^ int(other, 16)).bit_count()
