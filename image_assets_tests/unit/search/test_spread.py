"""The first few of an order stand for all: heavy ones that are unlike each other, and of equals one."""

import numpy as np

from image_assets.search.spread import spread_by_likeness, spread_by_weight


def circle(*degrees: float) -> np.ndarray:
    turns = np.radians(degrees)
    return np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)


def spread(vectors: np.ndarray, weights: list[float]) -> list[int]:
    return spread_by_weight(vectors, np.array(weights, np.float32)).tolist()


def test_the_heaviest_comes_first_and_then_what_is_unlike_it() -> None:
    assert spread(circle(0, 10, 20, 170), [1.0, 0.9, 0.9, 0.8]) == [0, 3, 2, 1]


def test_of_equal_vectors_all_but_one_come_last() -> None:
    assert spread(circle(0, 0, 0, 60, 90), [1.0, 1.0, 1.0, 0.1, 0.1])[-2:] == [1, 2]


def test_a_weight_makes_up_for_a_distance() -> None:
    # 1 - cos: 0.5 at 60 degrees, 1 at 90.
    assert spread(circle(0, 60, 90), [1.0, 0.9, 0.4]) == [0, 1, 2]
    assert spread(circle(0, 60, 90), [1.0, 0.9, 0.5]) == [0, 2, 1]


def test_equal_weights_spread_over_all_directions() -> None:
    three_crowds = circle(*range(10), *range(120, 130), *range(240, 250))
    first = spread(three_crowds, [1.0] * 30)[:3]
    assert {place // 10 for place in first} == {0, 1, 2}


def test_every_place_comes_once_and_none_of_nothing() -> None:
    vectors = circle(*np.random.default_rng(1).uniform(0, 360, 200))
    assert sorted(spread(vectors, [1.0] * 200)) == list(range(200))
    assert spread(circle(), []) == []


def test_what_is_like_a_known_one_waits() -> None:
    vectors, weights = circle(0, 60, 90), np.ones(3, np.float32)
    assert spread_by_weight(vectors, weights, known=circle(1)).tolist() == [2, 1, 0]
    assert spread_by_weight(vectors, weights, known=circle()).tolist() == [0, 2, 1]


def test_what_stands_for_most_comes_first_and_oddities_late() -> None:
    order = spread_by_likeness(circle(250, 8, 9, 10, 11, 12, 130, 131, 132)).tolist()
    assert order[:3] == [3, 7, 0]


def test_what_is_known_already_stands_for_its_crowd() -> None:
    vectors = circle(8, 9, 10, 11, 12, 100, 101, 102)
    assert spread_by_likeness(vectors, known=circle(10)).tolist()[0] == 6


def test_the_lazy_order_is_that_of_looking_at_all() -> None:
    vectors = np.random.default_rng(2).normal(size=(60, 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness, nearest, left = np.maximum(vectors @ vectors.T, 0), np.zeros(60), set(range(60))
    for chosen in spread_by_likeness(vectors)[:20].tolist():
        gains = {place: np.maximum(likeness[place] - nearest, 0).sum() for place in left}
        assert gains[chosen] >= max(gains.values()) - 1e-4
        left.remove(chosen)
        nearest = np.maximum(nearest, likeness[chosen])


def test_every_place_comes_once_by_likeness_too() -> None:
    vectors = circle(*np.random.default_rng(1).uniform(0, 360, 50), 7, 7, 7)
    assert sorted(spread_by_likeness(vectors).tolist()) == list(range(53))
    assert spread_by_likeness(circle()).tolist() == []
