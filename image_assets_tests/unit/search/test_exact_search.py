from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from image_assets.ids import ImageId
from image_assets.search.exact_search import Hit, Vectors, find_nearest

Block = tuple[list[ImageId], Vectors]


def unit(*rows: tuple[float, ...]) -> Vectors:
    vectors = np.array(rows, dtype=np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def ids(names: str) -> list[ImageId]:
    return [ImageId(name) for name in names]


EAST, NORTH, WEST = (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)


def test_the_nearest_comes_first() -> None:
    hits = find_nearest([(ids("abc"), unit(WEST, NORTH, EAST))], unit(EAST), 3)
    assert [(hit.image_id, round(hit.score, 6)) for hit in hits] == [("c", 1.0), ("b", 0.0), ("a", -1.0)]


def test_no_more_than_asked_for_are_found() -> None:
    assert len(find_nearest([(ids("abc"), unit(WEST, NORTH, EAST))], unit(EAST), 2)) == 2


def test_all_are_found_when_more_are_asked_for() -> None:
    assert len(find_nearest([(ids("ab"), unit(WEST, NORTH))], unit(EAST), 10)) == 2


def test_nothing_is_found_in_nothing() -> None:
    assert find_nearest([], unit(EAST), 3) == []


def test_equal_scores_come_in_the_order_of_their_ids() -> None:
    blocks = [(ids("bdf"), unit(EAST, EAST, EAST)), (ids("ace"), unit(EAST, EAST, EAST))]
    assert [hit.image_id for hit in find_nearest(blocks, unit(EAST), 4)] == ["a", "b", "c", "d"]


def test_the_best_of_all_blocks_are_found_wherever_they_are() -> None:
    blocks = [(ids("a"), unit(EAST)), (ids("b"), unit(WEST)), (ids("c"), unit((1.0, 0.1)))]
    assert [hit.image_id for hit in find_nearest(blocks, unit(EAST), 2)] == ["a", "c"]


def test_a_block_may_be_empty() -> None:
    nothing = np.empty((0, 2), dtype=np.float32)
    assert find_nearest([([], nothing), (ids("a"), unit(EAST))], unit(EAST), 1) == [Hit(ImageId("a"), 1.0)]


def test_a_score_is_a_plain_number() -> None:
    (hit,) = find_nearest([(ids("a"), unit(EAST))], unit(EAST), 1)
    assert type(hit.score) is float


def test_a_block_is_forgotten_before_the_next_one_is_made() -> None:
    made: list[int] = []

    def blocks() -> Iterator[Block]:
        for number in range(3):
            made.append(number)
            yield ids(str(number)), unit(EAST)

    find_nearest(blocks(), unit(EAST), 1)
    assert made == [0, 1, 2]


directions = st.lists(st.sampled_from([(1.0, 0.0), (0.8, 0.6), (0.6, 0.8), (0.0, 1.0), (-1.0, 0.0)]), max_size=12)


@settings(max_examples=100, deadline=None)
@given(days=st.lists(directions, max_size=4), count=st.integers(1, 8))
def test_blocks_and_one_sorted_list_agree(days: list[list[tuple[float, float]]], count: int) -> None:
    numbered = [
        [(ImageId(f"{row:03}-{day}"), vector) for row, vector in enumerate(each)] for day, each in enumerate(days)
    ]
    blocks = [
        ([name for name, _ in each], np.array([vector for _, vector in each], dtype=np.float32).reshape(-1, 2))
        for each in numbered
    ]
    flat = sorted((-np.float32(vector[0]), name) for each in numbered for name, vector in each)[:count]
    found = find_nearest(blocks, unit(EAST), count)
    assert [hit.image_id for hit in found] == [name for _, name in flat]
    assert [hit.score for hit in found] == pytest.approx([-score for score, _ in flat])
