import io
import re

import imagehash
import pytest
from PIL import Image, ImageOps

from image_assets.imaging.perceptual_hash import hamming_distance, perceptual_hash


def test_the_hash_is_16_hexadecimal_digits(photo):
    assert re.fullmatch("[0-9a-f]{16}", perceptual_hash(photo))


@pytest.mark.parametrize("size", [(600, 400), (512, 341), (100, 90), (40, 33)])
def test_it_is_the_hash_of_the_library_but_for_bits_that_its_resampler_decides(photo, size):
    image = photo.resize(size)
    assert imagehash.hex_to_hash(perceptual_hash(image)) - imagehash.phash(image) <= 2


@pytest.mark.parametrize("size", [(32, 32), (17, 16), (16, 300)])
def test_a_picture_that_is_not_made_smaller_has_the_hash_of_the_library(photo, size):
    image = photo.resize(size)
    assert imagehash.hex_to_hash(perceptual_hash(image)) == imagehash.phash(image)


def test_a_mirrored_picture_has_the_hash_of_its_mirrored_waves(photo):
    bits = [imagehash.hex_to_hash(perceptual_hash(each)).hash for each in (photo, ImageOps.mirror(photo))]
    assert (bits[0][:, ::2] != bits[1][:, ::2]).sum() <= 2
    assert (bits[0][:, 1::2] == bits[1][:, 1::2]).sum() <= 2


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
