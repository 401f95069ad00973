"""Days at a glance: counts of the summary, quartiles of gold, and what has changed since is read again."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

from image_assets.ids import ObjectKey
from image_assets.lake.object_keys import table_key
from image_assets.steps.questions.day_overview import DayOverviews

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

DAY, LATER = date(2026, 10, 29), date(2026, 10, 30)
AT = datetime(2026, 10, 29, 12, tzinfo=UTC)
Keep = Callable[..., None]


@pytest.fixture
def keep(scenario: "Scenario") -> Keep:
    """Keep columns as rows of a day of a table."""

    def write(table: str, day: date, /, **columns: Sequence[object]) -> None:
        with scenario.tables.store.writing(ObjectKey(table_key(table, day))) as path:
            pl.DataFrame(columns).write_parquet(path)

    return write


def keep_gold(keep: Keep, brightness: Sequence[float], waited: timedelta) -> None:
    count = len(brightness)
    times = {"uploaded_at": [AT] * count, "processed_at": [AT + waited] * count}
    keep("gold_images", DAY, brightness_ratio=brightness, confidence_ratio=[None] * count, **times)


def test_a_day_has_its_counts_and_its_middle(scenario: "Scenario", keep: Keep) -> None:
    counted = {"day": [DAY] * 3, "kind": ["outcome", "outcome", "state"], "name": ["seen", "rejected", "embedded"]}
    keep("daily_summary", DAY, **counted, images=[5, 1, 4])
    keep_gold(keep, [0.1, 0.2, 0.3, 0.4, 0.5], timedelta(minutes=3))
    (day,) = DayOverviews(scenario.tables).of([DAY])
    assert (day.outcome("seen"), day.share("rejected"), day.counts["state"]) == (5, 0.2, {"embedded": 4})
    assert day.measures == {"brightness_ratio": pytest.approx((0.2, 0.3, 0.4))}
    assert day.wait_s == 180


def test_a_day_that_was_loaded_long_after_it_says_nothing_of_waiting(scenario: "Scenario", keep: Keep) -> None:
    keep_gold(keep, [0.1], timedelta(days=40))
    (day,) = DayOverviews(scenario.tables).of([DAY])
    assert (day.wait_s, day.has_run, day.share("rejected")) == (None, False, None)


def test_what_has_changed_is_measured_again(scenario: "Scenario", keep: Keep) -> None:
    days = DayOverviews(scenario.tables)
    keep_gold(keep, [0.1], timedelta(0))
    assert days.of([DAY])[0].measures["brightness_ratio"][1] == pytest.approx(0.1)
    keep_gold(keep, [0.7, 0.7], timedelta(0))
    assert days.of([DAY])[0].measures["brightness_ratio"][1] == pytest.approx(0.7)


def test_days_are_known_by_their_runs_and_lately_by_their_uploads(scenario: "Scenario", keep: Keep) -> None:
    keep("bronze_images", DAY, source_uri=["landing/1.jpg"])
    scenario.tables.store.write(ObjectKey(f"landing/{LATER}/anna/1.jpg"), b"x")
    days = DayOverviews(scenario.tables)
    assert days.known([]) == [DAY]
    assert days.known([LATER, LATER + timedelta(days=1)]) == [LATER, DAY]
