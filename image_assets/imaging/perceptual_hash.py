"""A fingerprint that survives resizing and recompression."""

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import fft

from image_assets.imaging.resample import resample

_HASHED_PX = (32, 32)
_WAVES = 8


def perceptual_hash(image: Image.Image) -> str:
    """64-bit pHash as 16 hexadecimal digits, those of imagehash.phash: the lowest waves of a 32 x 32 DCT."""
    waves = fft.dct(fft.dct(_hashed(image.convert("L")), axis=0), axis=1)[:_WAVES, :_WAVES]
    return np.packbits(waves > np.median(waves)).tobytes().hex()


def _hashed(grey: Image.Image) -> npt.NDArray[np.float64]:
    """Pillow costs many times more; what would have to be enlarged is small enough for it."""
    if min(grey.size) < _HASHED_PX[0]:
        small = np.asarray(grey.resize(_HASHED_PX, Image.Resampling.LANCZOS))
    else:
        small = resample(np.asarray(grey), _HASHED_PX)
    return small.astype(np.float64)


def hamming_distance(one: str, other: str) -> int:
    """Bits in which two hashes of 16 hexadecimal digits differ, 0 to 64."""
    return (int(one, 16) ^ int(other, 16)).bit_count()
