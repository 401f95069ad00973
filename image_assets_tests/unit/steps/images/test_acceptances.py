"""Rejected files that a person takes all the same: bronze holds them against other limits, and only them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from image_assets.errors import DecisionError, UnknownImageError
from image_assets.ids import ImageId
from image_assets.imaging.inspect import InspectParams
from image_assets.steps.images.acceptances import accept_files, read_acceptances, withdraw_acceptances
from image_assets.steps.images.rejected_files import choose_rejected, list_rejected, reasons_of
from image_assets.steps.upkeep.erasure import erase, find_remains
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]
NOON = datetime(2026, 10, 2, 12, tzinfo=UTC)


@pytest.fixture
def strict(scenario: "Scenario", paint: Paint) -> "Scenario":
    """A good image; one too small, one too long, and no picture."""
    scenario.land("anna/good.png", paint(kind="PNG"))
    scenario.land("anna/small.png", paint("green", (3, 2), "PNG"))
    scenario.land("anna/long.png", paint("blue", (900, 16), "PNG"))
    scenario.land("anna/note.png", b"no picture")
    scenario.run()
    return scenario


def accept(scenario: "Scenario", *names: str) -> None:
    files = choose_rejected(scenario.tables, list_rejected(scenario.tables, None, ()), names)
    accept_files(scenario.store, reasons_of(scenario.tables, files), "ann", "", NOON)


def withdraw(scenario: "Scenario", name: str) -> None:
    withdraw_acceptances(scenario.store, [name], "ann", "", NOON)


def names_in(scenario: "Scenario") -> list[str]:
    return sorted(row["raw_name"] for row in scenario.rows(BRONZE_IMAGES))


def test_an_accepted_file_is_the_only_one_that_the_next_run_works_on_and_it_gets_to_gold(strict: "Scenario") -> None:
    accept(strict, "small.png", "long.png")
    assert strict.take_in().computed == 2
    assert names_in(strict) == ["good.png", "long.png", "small.png"]
    strict.run()
    assert sorted(row["raw_name"] for row in strict.rows(GOLD_IMAGES)) == ["good.png", "long.png", "small.png"]
    assert strict.take_in().is_unchanged


def test_an_acceptance_that_is_taken_back_counts_until_then(strict: "Scenario") -> None:
    accept(strict, "small.png")
    strict.run()
    withdraw(strict, "small.png")
    strict.run()
    assert names_in(strict) == ["good.png"]
    assert "too_small" in strict.reasons().values()
    accept(strict, "small.png")
    strict.take_in()
    assert "small.png" in names_in(strict)


def test_a_file_is_named_by_the_beginning_of_its_id(strict: "Scenario") -> None:
    small = next(each for each in list_rejected(strict.tables, None, ()) if each.source_uri.endswith("small.png"))
    accept(strict, str(small.image_id)[:8])
    strict.take_in()
    assert "small.png" in names_in(strict)
    withdraw(strict, str(small.image_id)[:8])
    strict.take_in()
    assert "small.png" not in names_in(strict)


def test_other_bytes_at_the_place_are_another_file(strict: "Scenario", paint: Paint) -> None:
    accept(strict, "small.png")
    strict.land("anna/small.png", paint("red", (2, 2), "PNG"))
    strict.run()
    assert names_in(strict) == ["good.png"]


def test_a_file_that_was_too_large_to_be_read_can_be_accepted(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/large.png", paint(kind="PNG"))
    tight = InspectParams(max_bytes=10)
    scenario.take_in(limits=tight)
    scenario.gather()
    accept(scenario, "large.png")
    scenario.take_in(limits=tight)
    assert names_in(scenario) == ["large.png"]


def test_what_is_no_picture_or_has_gone_is_refused(strict: "Scenario") -> None:
    with pytest.raises(DecisionError, match="is not_an_image: only what is bad_aspect, too_large"):
        accept(strict, "note.png")
    strict.path("anna/small.png").unlink()
    with pytest.raises(DecisionError, match="has left the landing zone"):
        accept(strict, "long.png", "small.png")
    assert not read_acceptances(strict.store, strict.day)
    with pytest.raises(UnknownImageError, match="nobody has accepted good"):
        withdraw(strict, "good.png")


@pytest.mark.parametrize("limits", [InspectParams(), InspectParams(max_bytes=10)], ids=["read", "never read"])
def test_acceptances_go_with_their_image(scenario: "Scenario", paint: Paint, limits: InspectParams) -> None:
    scenario.land("anna/small.png", paint("green", (3, 2), "PNG"))
    scenario.take_in(limits=limits)
    scenario.gather()
    accept(scenario, "small.png")
    scenario.take_in(limits=limits)
    image_id = ImageId(str(scenario.row(BRONZE_IMAGES)["image_id"]))
    assert list(scenario.store.list("acceptances"))
    erase(scenario.tables, find_remains(scenario.tables, image_id), "ticket 7")
    assert not list(scenario.store.list("acceptances"))


def test_a_later_word_counts_whatever_the_clock_says(strict: "Scenario") -> None:
    accept(strict, "small.png")
    withdraw_acceptances(strict.store, ["small.png"], "ann", "", NOON - timedelta(days=400))
    assert [each.is_accepted for each in read_acceptances(strict.store).values()] == [False]
