"""What people decided: nothing of it is ever lost, and nothing is kept that no image stands for."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from image_assets.errors import ConfigurationError, TableError
from image_assets.steps.decisions import Decision, read_decisions, record_decisions
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]
NOON = datetime(2026, 10, 2, 12, tzinfo=UTC)


@pytest.fixture
def two(scenario: "Scenario", paint: Paint) -> "Scenario":
    """Two images; the first came with a label."""
    scenario.land("anna/hat.png", paint("red", kind="PNG"), label="hat")
    scenario.land("anna/shoe.png", paint("blue", kind="PNG"))
    scenario.take_in()
    return scenario


def decide(scenario: "Scenario", image: str, label: str, hours: int = 0) -> None:
    record_decisions(scenario.tables, [Decision(image, label)], "eva", NOON + timedelta(hours=hours))


def labels(scenario: "Scenario") -> dict[str, tuple[object, object]]:
    scenario.derive()
    scenario.embed()
    scenario.gather()
    scenario.curate()
    return {row["raw_name"]: (row["label"], row["label_source"]) for row in scenario.rows(GOLD_IMAGES)}


def test_a_decision_comes_before_the_supplied_label(two: "Scenario") -> None:
    decide(two, "hat.png", "cap")
    assert labels(two) == {"hat.png": ("cap", "human"), "shoe.png": (None, None)}


def test_a_supplied_label_stands_until_someone_decides(two: "Scenario") -> None:
    assert labels(two)["hat.png"] == ("hat", "supplied")


def test_an_image_can_be_named_by_its_id(two: "Scenario") -> None:
    decide(two, str(two.rows(BRONZE_IMAGES)[0]["image_id"]), "cap")
    assert read_decisions(two.store)["image_id"].to_list() == [two.rows(BRONZE_IMAGES)[0]["image_id"]]


def test_the_latest_decision_wins_and_the_earlier_stays(two: "Scenario") -> None:
    decide(two, "hat.png", "beret", hours=1)
    decide(two, "hat.png", "cap")
    assert read_decisions(two.store, two.day)["label"].to_list() == ["beret"]
    assert len(list(two.store.list("reviews"))) == 2


def test_a_decision_outlives_every_table(two: "Scenario") -> None:
    decide(two, "hat.png", "cap")
    for found in list(two.store.list("tables")):
        two.store.delete(found.key)
    two.take_in()
    assert labels(two)["hat.png"] == ("cap", "human")


def test_unknown_images_are_named_and_nothing_is_kept(two: "Scenario") -> None:
    decisions = [Decision("hat.png", "cap"), Decision("scarf.png", "scarf")]
    with pytest.raises(ConfigurationError, match=r"scarf\.png is no image"):
        record_decisions(two.tables, decisions, "eva", NOON)
    assert read_decisions(two.store).is_empty()


def test_a_name_that_fits_several_images_is_refused(two: "Scenario", paint: Paint) -> None:
    two.land("berta/hat.png", paint("green", kind="PNG"))
    two.take_in()
    with pytest.raises(ConfigurationError, match="names 2 images"):
        decide(two, "hat.png", "cap")


def test_an_empty_label_is_refused(two: "Scenario") -> None:
    with pytest.raises(ConfigurationError, match="has no label"):
        decide(two, "hat.png", "  ")


def test_a_damaged_decision_is_named(two: "Scenario") -> None:
    decide(two, "hat.png", "cap")
    (found,) = two.store.list("reviews")
    two.store.write(found.key, b"{}")
    with pytest.raises(TableError, match="is no decision"):
        read_decisions(two.store)
