"""A fingerprint that survives resizing and recompression."""

import imagehash
from PIL import Image


def perceptual_hash(image: Image.Image) -> str:
    """64-bit pHash as 16 hexadecimal digits (imagehash.phash: low frequencies of a 32 x 32 DCT)."""
    return str(imagehash.phash(image))


def hamming_distance(one: str, other: str) -> int:
    """Bits in which two hashes of 16 hexadecimal digits differ, 0 to 64."""
    return (int(one, 16) ^ int(other, 16)).bit_count()
