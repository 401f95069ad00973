"""Those who wait have their turns, however much one of them has asked for."""

import pytest

from image_assets.compute.fair_queue import FairQueue


def filled(*items: str) -> FairQueue[str]:
    """Items whose first letter tells whose they are."""
    queue: FairQueue[str] = FairQueue(lambda item: item[0])
    queue.extend(items)
    return queue


def taken(queue: FairQueue[str]) -> list[str]:
    return [queue.popleft() for _ in range(len(queue))]


def test_who_was_served_least_recently_is_next() -> None:
    queue = filled("a1", "a2", "a3", "a4")
    assert queue.popleft() == "a1"
    queue.extend(["b1", "b2", "c1"])
    assert taken(queue) == ["c1", "b1", "a2", "b2", "a3", "a4"]


def test_who_comes_back_has_had_his_turn() -> None:
    queue = filled("a1", "a2", "a3")
    queue.append("b1")
    assert [queue.popleft(), queue.popleft()] == ["b1", "a1"]
    queue.append("b2")
    assert taken(queue) == ["b2", "a2", "a3"]


def test_one_alone_is_served_in_order() -> None:
    assert taken(filled("a1", "a2", "a3")) == ["a1", "a2", "a3"]


def test_what_was_taken_out_is_not_served() -> None:
    queue = filled("a1", "a2", "b1")
    queue.remove("a1")
    with pytest.raises(ValueError, match="not in deque"):
        queue.remove("c1")
    assert sorted(taken(queue)) == ["a2", "b1"]
    with pytest.raises(IndexError):
        queue.popleft()
    assert not queue


def test_it_does_not_remember_everybody_for_ever() -> None:
    queue = filled()
    for number in range(5_000):
        queue.append(chr(1_000 + number))
        queue.popleft()
    assert len(queue._lines) <= 1_000


def test_whose_items_cost_much_is_served_less_often() -> None:
    queue, served = filled(*(f"{whose}{number}" for whose in "ab" for number in range(40))), ""
    for _ in range(23):
        item = queue.popleft()
        served += item[0]
        queue.charge(item, {"a": 10, "b": 1}[item[0]])
    assert served.count("a") <= 3


def test_what_is_being_served_counts_already() -> None:
    queue = filled("a1", "a2", "a3", "a4")
    queue.charge(queue.popleft(), 10)
    assert [queue.popleft(), queue.popleft()] == ["a2", "a3"], "two servers"
    queue.append("b1")
    assert queue.popleft() == "b1"
    queue.extend(["b2", "b3"])
    queue.charge("b1", 1)
    assert [queue.popleft(), queue.popleft()] == ["b2", "b3"], "what a has in hand is his"


def test_who_waited_for_nothing_has_saved_nothing() -> None:
    queue = filled("b1")
    queue.charge(queue.popleft(), 1)
    for number in range(50):
        queue.append(f"a{number}")
        queue.charge(queue.popleft(), 1)
    queue.extend([*(f"b{number}" for number in range(20)), *(f"a{number}" for number in range(20))])
    served = ""
    for _ in range(20):
        item = queue.popleft()
        served += item[0]
        queue.charge(item, 1)
    assert 9 <= served.count("a") <= 11
