"""How long an upload takes is what the newest images have taken."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

from image_assets.steps.images.uploads import UploadFacts, add_upload
from image_assets.steps.questions.waiting import UsualWait, usual_wait
from image_assets.tables.gold import GOLD_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario


def waited(scenario: "Scenario", paint: Callable[..., bytes], seconds: list[int]) -> None:
    """Images of the scenario's day that became gold so long after they were uploaded."""
    at = datetime.combine(scenario.day, datetime.min.time(), UTC) + timedelta(hours=12)
    for number in range(len(seconds)):
        facts = UploadFacts(scenario.day, "anna", f"{number}.jpg", at)
        add_upload(scenario.store, facts, paint("red", (64 + number, 48)))
    scenario.run()
    rows = scenario.tables.read(GOLD_IMAGES, scenario.day)
    made = pl.Series([at + timedelta(seconds=each) for each in seconds], dtype=rows.schema["processed_at"])
    scenario.rewrite(GOLD_IMAGES, rows.with_columns(processed_at=made))


def test_it_is_the_median_of_those_that_came_as_they_were_uploaded(
    scenario: "Scenario", paint: Callable[..., bytes]
) -> None:
    waited(scenario, paint, [60, 90, 600, 400_000])
    assert usual_wait(scenario.tables, scenario.day) == UsualWait(90.0, 3)
    assert usual_wait(scenario.tables, scenario.day + timedelta(days=3)) is None


def test_without_images_nothing_is_said(scenario: "Scenario") -> None:
    assert usual_wait(scenario.tables, scenario.day) is None


@pytest.mark.parametrize(("seconds", "words"), [(8.4, "8 s"), (60.0, "1 min"), (400.0, "7 min")])
def test_it_is_told_as_people_tell_it(seconds: float, words: str) -> None:
    assert str(UsualWait(seconds, 1)) == words
