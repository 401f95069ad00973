"""Which day takes a file."""

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_assets.errors import ConfigurationError
from image_assets.steps.migration.day_book import DayBook

FIRST, LAST = date(2026, 1, 1), date(2026, 1, 31)


def book(most: int = 2, **taken: int) -> DayBook:
    return DayBook({FIRST + timedelta(int(name[1:])): count for name, count in taken.items()}, most, FIRST, LAST)


def test_a_file_is_of_its_day_while_that_has_room() -> None:
    days = book(most=2)
    assert [days.enter(FIRST) for _ in range(5)] == [FIRST + timedelta(n) for n in (0, 0, 1, 1, 2)]


def test_what_a_day_has_already_counts() -> None:
    assert book(most=2, d0=2, d1=1).enter(FIRST) == FIRST + timedelta(1)


def test_what_is_older_than_the_lake_is_of_its_first_day() -> None:
    assert book().enter(date(1998, 5, 1)) == FIRST


def test_files_that_no_day_up_to_today_has_room_for_are_an_error() -> None:
    days = book(most=1)
    days.enter(LAST)
    with pytest.raises(ConfigurationError, match="choose earlier days"):
        days.enter(LAST)


def test_a_day_that_has_not_come_takes_nothing() -> None:
    with pytest.raises(ConfigurationError, match="has not come yet"):
        book().enter(LAST + timedelta(1))


@given(st.lists(st.integers(0, 8)))
def test_no_day_takes_too_many_and_none_before_its_time(wanted: list[int]) -> None:
    days, most = DayBook({}, 3, FIRST, FIRST + timedelta(100)), 3
    given_days = [days.enter(FIRST + timedelta(number)) for number in wanted]
    assert all(count <= most for count in Counter(given_days).values())
    assert all(day >= FIRST + timedelta(number) for day, number in zip(given_days, wanted, strict=True))
