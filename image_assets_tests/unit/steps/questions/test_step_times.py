"""How long a step took, told by its rows."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from image_assets.steps.questions.step_times import step_times
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from image_assets_tests.scenario import Scenario

NOON = datetime(2026, 10, 2, 12, tzinfo=UTC)


def test_only_the_last_stretch_of_work_counts(scenario: "Scenario", paint: "Callable[..., bytes]") -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        scenario.land(f"anna/{name}", paint("red"))
    scenario.run()
    rows = scenario.tables.read(BRONZE_IMAGES, scenario.day)
    times = [NOON - timedelta(hours=3), NOON, NOON + timedelta(seconds=8)]
    scenario.rewrite(BRONZE_IMAGES, rows.with_columns(processed_at=pl.Series(times, dtype=pl.Datetime("us", "UTC"))))
    (told,) = step_times(scenario.tables, scenario.day, [BRONZE_IMAGES.name, "no_such_table"])
    assert (told.images, told.seconds, told.ended_at) == (2, 8.0, NOON + timedelta(seconds=8))


def test_a_day_without_rows_took_no_time(scenario: "Scenario") -> None:
    scenario.run()
    assert step_times(scenario.tables, scenario.day, [BRONZE_IMAGES.name, SILVER_IMAGES.name]) == []
