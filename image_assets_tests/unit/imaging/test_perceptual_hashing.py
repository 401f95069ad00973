import io
import re

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageOps

from image_assets.imaging.perceptual_hash import hamming_distance, perceptual_hash
from image_assets.imaging.quality import to_grey


def hash_of(image: Image.Image) -> str:
    return perceptual_hash(to_grey(np.asarray(image)))


def bits_of(image: Image.Image) -> imagehash.ImageHash:
    return imagehash.hex_to_hash(hash_of(image))


def test_the_hash_is_16_hexadecimal_digits(photo):
    assert re.fullmatch("[0-9a-f]{16}", hash_of(photo))


@pytest.mark.parametrize("size", [(600, 400), (512, 341), (100, 90), (40, 33)])
def test_it_is_the_hash_of_imagehash_but_for_bits_that_the_resampler_decides(photo, size):
    image = photo.resize(size)
    assert bits_of(image) - imagehash.phash(image) <= 2


@pytest.mark.parametrize("size", [(32, 32), (17, 16), (16, 300)])
def test_a_picture_that_is_not_made_smaller_has_the_hash_of_imagehash(photo, size):
    image = photo.resize(size)
    assert bits_of(image) == imagehash.phash(image)


def test_mirroring_inverts_the_waves_that_are_not_symmetric(photo):
    straight, mirrored = bits_of(photo).hash, bits_of(ImageOps.mirror(photo)).hash
    assert (straight[:, ::2] != mirrored[:, ::2]).sum() <= 2
    assert (straight[:, 1::2] == mirrored[:, 1::2]).sum() <= 2


def test_waves_that_a_symmetric_picture_lacks_are_none(photo):
    half = np.asarray(photo.resize((16, 32)))
    bits = bits_of(Image.fromarray(np.hstack([half, half[:, ::-1]]))).hash
    assert not bits[:, 1::2].any()


def test_it_survives_shrinking_and_recompression(photo, encode):
    small = Image.open(io.BytesIO(encode(photo.resize((200, 133)), "JPEG", quality=40)))
    assert hamming_distance(hash_of(photo), hash_of(small)) <= 4


def test_another_picture_is_far(photo):
    other = photo.transpose(Image.Transpose.ROTATE_90)
    assert hamming_distance(hash_of(photo), hash_of(other)) > 10


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [("0" * 16, "0" * 16, 0), ("0" * 16, "f" * 16, 64), ("8000000000000001", "0000000000000000", 2)],
)
def test_the_distance_counts_bits(one, other, distance):
    assert hamming_distance(one, other) == distance
