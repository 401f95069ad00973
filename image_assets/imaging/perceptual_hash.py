"""A fingerprint that survives resizing and recompression."""

import imagehash
import numpy as np
from PIL import Image

from image_assets.imaging.resample import resample

_HASHED_PX = 32


def perceptual_hash(image: Image.Image) -> str:
    """64-bit pHash as 16 hexadecimal digits (imagehash.phash: low frequencies of a 32 x 32 DCT)."""
    grey = image.convert("L")
    if min(grey.size) > _HASHED_PX:
        # The library would have Pillow do it, at many times the price.
        grey = Image.fromarray(resample(np.asarray(grey), (_HASHED_PX, _HASHED_PX)))
    return str(imagehash.phash(grey))


def hamming_distance(one: str, other: str) -> int:
    """Bits in which two hashes of 16 hexadecimal digits differ, 0 to 64."""
    return (int(one, 16) ^ int(other, 16)).bit_count()
