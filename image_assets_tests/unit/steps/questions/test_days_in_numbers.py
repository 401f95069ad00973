"""What the summaries of the days come to, a row per day."""

from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from image_assets.steps.questions.days_in_numbers import days_in_numbers
from image_assets.tables.gold import DAILY_SUMMARY

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

COUNTS = [
    ("outcome", "seen", 9),
    ("outcome", "accepted", 4),
    ("outcome", "rejected", 3),
    ("outcome", "passed_over", 2),
    ("outcome", "gone", 1),
    ("outcome", "dismissed", 0),
    ("state", "embedded", 4),
    ("reason", "corrupt", 1),
    ("reason", "too_small", 1),
    ("reason", "not_an_image", 2),
    ("label", "shoe", 4),
]


def summarise(scenario: "Scenario", day: date, counts: list[tuple[str, str, int]]) -> None:
    rows = pl.DataFrame([(day, *each) for each in counts], orient="row", schema=DAILY_SUMMARY.schema.column_names())
    scenario.tables.replace(DAILY_SUMMARY, day, DAILY_SUMMARY.schema.cast(rows))


def test_reasons_stand_by_number_and_then_what_was_put_aside(scenario: "Scenario") -> None:
    summarise(scenario, scenario.day, COUNTS)
    told = "not_an_image 2, corrupt 1, too_small 1; gone 1, passed over 2"
    assert days_in_numbers(scenario.tables, scenario.day, scenario.day).rows() == [(scenario.day, 9, 4, 4, 3, told)]


def test_days_of_the_period_stand_in_order_and_what_was_not_counted_is_null(scenario: "Scenario") -> None:
    days = [scenario.day + timedelta(days=number) for number in (2, 0, 5)]
    for day in days:
        summarise(scenario, day, [("outcome", "seen", 1)])
    rows = days_in_numbers(scenario.tables, scenario.day, scenario.day + timedelta(days=4)).rows()
    assert rows == [(days[1], 1, None, None, None, ""), (days[0], 1, None, None, None, "")]
