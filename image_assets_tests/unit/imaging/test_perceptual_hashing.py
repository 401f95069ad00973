import io
import re

import imagehash
import pytest
from PIL import Image

from image_assets.imaging.perceptual_hash import hamming_distance, perceptual_hash


def test_the_hash_is_16_hexadecimal_digits(photo):
    assert re.fullmatch("[0-9a-f]{16}", perceptual_hash(photo))


def test_it_is_the_libraries_hash(photo):
    assert imagehash.hex_to_hash(perceptual_hash(photo)) == imagehash.phash(photo)


def test_it_survives_shrinking_and_recompression(photo, encode):
    small = Image.open(io.BytesIO(encode(photo.resize((200, 133)), "JPEG", quality=40)))
    assert hamming_distance(perceptual_hash(photo), perceptual_hash(small)) <= 4


def test_another_picture_is_far(photo):
    other = photo.transpose(Image.Transpose.ROTATE_90)
    assert hamming_distance(perceptual_hash(photo), perceptual_hash(other)) > 10


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [("0" * 16, "0" * 16, 0), ("0" * 16, "f" * 16, 64), ("8000000000000001", "0000000000000000", 2)],
)
def test_the_distance_counts_bits(one, other, distance):
    assert hamming_distance(one, other) == distance
