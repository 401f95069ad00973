import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from image_assets.search.near_duplicates import Hashes, HashPool, pairs_within, turned

Found = set[tuple[int, int, int]]


def hashes(*values: int) -> Hashes:
    return np.array(values, dtype=np.uint64)


def found(new: Hashes, pool: Hashes, radius: int) -> Found:
    pairs = pairs_within(new, pool, radius)
    told = list(zip(pairs.new.tolist(), pairs.pool.tolist(), pairs.bits.tolist(), strict=True))
    assert len(told) == len(set(told))
    return set(told)


def compared_one_by_one(new: Hashes, pool: Hashes, radius: int) -> Found:
    bits = np.bitwise_count(new[:, None] ^ pool[None, :])
    return {(int(i), int(j), int(bits[i, j])) for i, j in np.argwhere(bits <= radius)}


def near(pool: Hashes, count: int, most_bits: int, seed: int) -> Hashes:
    """Hashes of the pool with up to so many bits flipped, anywhere."""
    rng = np.random.default_rng(seed)
    values = []
    for value in rng.choice(pool, count).tolist():
        flipped = rng.choice(64, rng.integers(0, most_bits + 1), replace=False)
        values.append(value ^ sum(1 << int(bit) for bit in flipped))
    return hashes(*values)


def random_hashes(count: int, seed: int) -> Hashes:
    return np.random.default_rng(seed).integers(0, 2**64, count, dtype=np.uint64)


@pytest.mark.parametrize("radius", [0, 1, 3, 5, 8, 10, 12, 16])
@pytest.mark.parametrize("size", [1, 40, 3_000, 200_000])
def test_no_pair_within_the_radius_is_missed_and_none_is_told_twice(radius: int, size: int) -> None:
    pool = random_hashes(size, seed=radius)
    new = near(pool, 30, radius + 3, seed=size)
    assert found(new, pool, radius) == compared_one_by_one(new, pool, radius)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 255)), st.lists(st.integers(0, 255)), st.integers(0, 12), st.integers(0, 56))
def test_crowded_hashes_give_every_pair_too(new: list[int], pool: list[int], radius: int, shift: int) -> None:
    one, other = (hashes(*(value << shift for value in values)) for values in (new, pool))
    assert found(one, other, radius) == compared_one_by_one(one, other, radius)


def test_hashes_that_crowd_beyond_one_batch_are_all_compared() -> None:
    pairs = pairs_within(hashes(*[5] * 1_200), hashes(*[4] * 1_000), 1)
    assert pairs.new.size == np.unique(pairs.new * 1_000 + pairs.pool).size == 1_200_000


def test_a_pool_is_searched_again_and_again() -> None:
    pool = HashPool(hashes(0, 1, 2**63), radius=1)
    assert pool.pairs(hashes(0)).pool.size == 3
    assert pool.pairs(hashes(0b11)).pool.tolist() == [1]


@pytest.mark.parametrize("radius", [0, 1, 4, 9, 14])
def test_a_pool_is_searched_within_a_smaller_radius_too(radius: int) -> None:
    pool = random_hashes(3_000, seed=radius)
    new = near(pool, 300, radius + 3, seed=1)
    pairs = HashPool(pool, radius=14).pairs(new, radius)
    told = set(zip(pairs.new.tolist(), pairs.pool.tolist(), pairs.bits.tolist(), strict=True))
    assert pairs.new.size == len(told)
    assert told == compared_one_by_one(new, pool, radius)


def test_beyond_its_radius_a_pool_cannot_be_searched() -> None:
    with pytest.raises(ValueError, match="prepared for 3 bits, not 4"):
        HashPool(hashes(0), radius=3).pairs(hashes(0), 4)


def picture() -> Image.Image:
    rough = np.random.default_rng(5).integers(0, 255, (9, 7, 3), dtype=np.uint8)
    return Image.fromarray(rough).resize((300, 400), Image.Resampling.BICUBIC)


def hash_of(image: Image.Image) -> int:
    return int(str(imagehash.phash(image)), 16)


@pytest.mark.parametrize(
    ("way", "transposed"),
    [
        (0, Image.Transpose.FLIP_LEFT_RIGHT),
        (1, Image.Transpose.FLIP_TOP_BOTTOM),
        (2, Image.Transpose.ROTATE_180),
        (3, Image.Transpose.TRANSPOSE),
    ],
)
def test_the_hash_of_a_turned_picture_is_known_without_the_picture(way: int, transposed: Image.Transpose) -> None:
    told = list(turned(hashes(hash_of(picture()))))[way]
    assert (int(told[0]) ^ hash_of(picture().transpose(transposed))).bit_count() <= 6


def test_turning_seven_ways_gives_seven_hashes() -> None:
    assert len({int(variant[0]) for variant in turned(hashes(hash_of(picture())))}) == 7
