import itertools
import threading

import pytest

from image_assets.steps.increment.read_ahead import map_ahead


def test_results_come_in_the_order_of_the_items() -> None:
    slow_first = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            slow_first.wait(0.05)
        return number

    assert list(map_ahead(work, range(20), ahead=4)) == list(range(20))


def test_no_more_items_are_taken_than_asked_for() -> None:
    taken = itertools.count()
    results = map_ahead(str, (next(taken) for _ in range(100)), ahead=5)
    next(results)
    assert next(taken) == 6


def test_nothing_is_worked_on_after_the_reader_has_left() -> None:
    worked_on: list[int] = []
    results = map_ahead(worked_on.append, range(1_000), ahead=10)
    next(results)
    results.close()
    assert len(worked_on) <= 12


def test_the_first_failure_ends_it() -> None:
    def work(number: int) -> float:
        return 1 / (2 - number)

    results = map_ahead(work, range(9), ahead=3)
    assert [next(results), next(results)] == [0.5, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_of_nothing_comes_nothing() -> None:
    assert list(map_ahead(str, [], ahead=3)) == []
