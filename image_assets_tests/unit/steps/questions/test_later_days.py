"""Which days have to be compared again because an earlier day is another now."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from image_assets.errors import TableError
from image_assets.lake.object_keys import table_key
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.steps.duplicates.links import DuplicateParams
from image_assets.steps.duplicates.pair_decisions import PairVerdict, record_pair_decision
from image_assets.steps.questions.later_days import outdated_days
from image_assets.tables.images import SILVER_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]


def prepare(day: "Scenario", **files: bytes) -> None:
    """Land files by name and bring them as far as vectors."""
    for name, data in files.items():
        day.land(f"anna/{name}.jpg", data)
    day.take_in()
    day.derive()
    day.embed()


@pytest.fixture
def days(scenario: "Scenario", paint: Paint) -> list["Scenario"]:
    """Three days of one picture each, and a day without any, compared in order."""
    days = [replace(scenario, day=scenario.day + timedelta(days=number)) for number in range(4)]
    for day, colour in zip(days, ("red", "green", "blue", None), strict=True):
        prepare(day, **({colour: paint(colour)} if colour else {}))
        day.compare()
    return days


def outdated(days: list["Scenario"], encoder: EncoderDescription | None = None, **params: int) -> list[date]:
    encoder = encoder or days[0].encoder.description
    return list(outdated_days(days[0].tables, encoder, DuplicateParams(**params)))


def test_days_that_were_compared_in_order_are_up_to_date(days: list["Scenario"]) -> None:
    assert outdated(days) == []


def test_a_late_file_concerns_every_later_day_that_has_images(days: list["Scenario"], paint: Paint) -> None:
    prepare(days[0], late=paint("yellow"))
    days[0].compare()
    assert outdated(days) == [days[1].day, days[2].day]


def test_days_that_are_compared_again_are_up_to_date(days: list["Scenario"], paint: Paint) -> None:
    prepare(days[0], late=paint("yellow"))
    for day in reversed(days):
        day.compare()
    assert outdated(days) == []


def test_a_late_file_of_the_last_day_concerns_no_other(days: list["Scenario"], paint: Paint) -> None:
    prepare(days[2], late=paint("yellow"))
    days[2].compare()
    assert outdated(days) == []


def test_a_decision_concerns_the_days_from_the_later_image_on(days: list["Scenario"]) -> None:
    one, other = (day.row(SILVER_IMAGES)["image_id"] for day in days[:2])
    record_pair_decision(days[0].tables, one, other, PairVerdict.SAME, "ann", datetime(2026, 10, 9, tzinfo=UTC))
    assert outdated(days) == [days[1].day, days[2].day]


def test_a_day_that_was_never_compared_waits_for_its_own_run(days: list["Scenario"], paint: Paint) -> None:
    days[1].store.delete(table_key("duplicate_images", days[1].day))
    prepare(days[0], late=paint("yellow"))
    days[0].compare()
    assert outdated(days) == [days[2].day]


def test_another_setting_concerns_no_day_by_itself(days: list["Scenario"]) -> None:
    assert outdated(days, max_bits=4) == []


def test_other_weights_concern_no_day_before_it_has_their_vectors(days: list["Scenario"], paint: Paint) -> None:
    prepare(days[0], late=paint("yellow"))
    assert outdated(days, replace(days[0].encoder.description, revision="2")) == []
    assert outdated(days, replace(days[0].encoder.description, name="other")) == []


def test_a_damaged_earlier_day_is_named(days: list["Scenario"]) -> None:
    days[0].store.write(table_key(SILVER_IMAGES.name, days[0].day), b"PAR1 no more")
    with pytest.raises(TableError, match=f"run --day {days[0].day}"):
        outdated(days)
