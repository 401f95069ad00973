"""All measures of a day together: what is unusual is said, and nothing is read twice that has not changed."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from image_assets.ids import ObjectKey
from image_assets.lake.object_keys import table_key
from image_assets.steps.audits.day_comparison import DayComparisons
from image_assets.steps.audits.drift import DriftParams

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

DAY = date(2026, 10, 29)
Keep = Callable[[date, Sequence[float]], None]


@pytest.fixture
def keep(scenario: "Scenario") -> Keep:
    """Keep a day of gold whose images are so bright."""

    def write(day: date, brightness: Sequence[float]) -> None:
        with scenario.tables.store.writing(ObjectKey(table_key("gold_images", day))) as path:
            pl.DataFrame({"brightness_ratio": brightness, "is_duplicate": [False] * len(brightness)}).write_parquet(
                path
            )

    return write


def test_what_has_changed_is_compared_again_and_nothing_else(scenario: "Scenario", keep: Keep) -> None:
    for back in range(1, 4):
        keep(DAY - timedelta(days=back), np.linspace(0.2, 0.5, 80).tolist())
    keep(DAY, np.linspace(0.2, 0.5, 80).tolist())
    days = DayComparisons(scenario.tables)
    first = days.of(DAY, DriftParams())
    assert [each.name for each in first if each.audit.measured is not None] == ["Duplicates", "Brightness"]
    assert not any(each.audit.problems for each in first)
    assert days.of(DAY, DriftParams()) is first
    keep(DAY, np.linspace(0.8, 0.9, 80).tolist())
    assert [each.name for each in days.of(DAY, DriftParams()) if each.audit.problems] == ["Brightness"]
