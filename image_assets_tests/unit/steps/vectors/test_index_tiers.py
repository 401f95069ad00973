"""Shards are few, and no vector is moved often."""

from dataclasses import replace

import numpy as np
import pytest

from image_assets.steps.vectors.index_manifest import IndexShard
from image_assets.steps.vectors.index_tiers import TierParams, to_merge

PARAMS = TierParams(smallest=1_000, largest=250_000, of_one_size=4, removed_ratio=0.1)


def shard(name: str, vectors: int, removed: int = 0) -> IndexShard:
    return IndexShard(name, 0, vectors, tuple(range(removed)), 0, 0, ())


def merged(shards: list[IndexShard], arriving: int) -> list[str]:
    return [each.name for each in to_merge(shards, arriving, PARAMS)]


def sizes_after(days: int, per_day: int) -> tuple[list[int], int]:
    """Of the shards after so many days, and how many vectors were moved."""
    sizes: list[int] = []
    moved = 0
    for _ in range(days):
        chosen = {int(name) for name in merged([shard(str(at), size) for at, size in enumerate(sizes)], per_day)}
        moved += sum(sizes[at] for at in chosen)
        total = per_day + sum(sizes[at] for at in chosen)
        kept = [size for at, size in enumerate(sizes) if at not in chosen]
        full, rest = divmod(total, PARAMS.largest)
        sizes = [*kept, *[PARAMS.largest] * full, *([rest] if rest else [])]
    return sizes, moved


@pytest.mark.parametrize(
    ("days", "per_day", "times"), [(8, 1_000_000, 0), (100, 10_000, 2), (1_000, 1_000, 3), (10_000, 100, 9)]
)
def test_shards_stay_few_and_a_vector_is_moved_a_few_times(days: int, per_day: int, times: int) -> None:
    sizes, moved = sizes_after(days, per_day)
    assert sum(sizes) == days * per_day
    assert len([size for size in sizes if size < PARAMS.largest]) <= 12
    assert moved <= times * sum(sizes)


def test_nothing_is_merged_when_nothing_arrives() -> None:
    assert merged([shard(name, 10) for name in "abcdef"], 0) == []


def test_shards_of_one_size_are_merged_when_there_are_enough() -> None:
    assert merged([shard("a", 100), shard("b", 100)], 100) == []
    assert merged([shard("a", 100), shard("b", 100), shard("c", 100)], 100) == ["a", "b", "c"]


def test_what_is_merged_may_complete_the_next_size() -> None:
    small, larger = [shard(name, 900) for name in "abc"], [shard(name, 5_000) for name in "def"]
    assert merged([*larger, *small], 2_000) == ["a", "b", "c", "d", "e", "f"]


def test_a_large_shard_is_left_alone_by_small_ones() -> None:
    assert merged([shard("large", 200_000), *(shard(name, 900) for name in "ab")], 900) == []


def test_a_full_shard_is_never_merged() -> None:
    assert merged([shard(name, PARAMS.largest) for name in "abcd"], PARAMS.largest) == []


def test_a_shard_of_which_much_was_removed_is_written_again() -> None:
    assert merged([shard("worn", 100, removed=11), shard("good", 100, removed=10)], 0) == ["worn"]


def test_keys_are_removed_from_the_shard_that_has_them() -> None:
    own = replace(shard("a", 10), first_key=100, removed=(105,))
    keys = np.array([99, 100, 109, 110], np.uint64)
    assert own.without(keys).removed == (100, 105, 109)
    assert own.without(keys).current == 7
