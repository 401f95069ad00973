"""A rejection that is forgotten is tried again, unless the file itself is gone."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import pytest

from image_assets.ids import ObjectKey
from image_assets.lake.object_keys import checkpoint_prefix
from image_assets.steps.increment.retries import count_rejections, forget_rejections, rejecting_stages
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import rejections_of

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

REJECTIONS = rejections_of(BRONZE_IMAGES)


@pytest.fixture
def refused(scenario: "Scenario", paint: Callable[..., bytes]) -> "Scenario":
    """A good image, an empty file and a text, taken in."""
    scenario.land("good.jpg", paint())
    scenario.land("empty.jpg", b"")
    scenario.land("note.jpg", b"not an image")
    scenario.take_in()
    return scenario


def forget(scenario: "Scenario", reasons: Collection[str]) -> int:
    return forget_rejections(scenario.tables, scenario.day, rejecting_stages(scenario.tables), reasons)


def test_a_remembered_rejection_is_not_tried_again(refused: "Scenario") -> None:
    assert refused.take_in().newly_rejected == 0


def test_a_forgotten_rejection_is_tried_again(refused: "Scenario") -> None:
    assert forget(refused, ["empty"]) == 1
    assert refused.take_in().newly_rejected == 1


def test_other_reasons_stay_remembered(refused: "Scenario") -> None:
    forget(refused, ["empty"])
    assert refused.reasons() == {refused.uri("note.jpg"): "not_an_image"}


def test_several_reasons_are_forgotten_at_once(refused: "Scenario") -> None:
    assert forget(refused, ["empty", "not_an_image"]) == 2


def test_what_can_be_tried_again_is_counted_without_forgetting_it(refused: "Scenario") -> None:
    assert count_rejections(refused.tables, refused.day, [BRONZE_IMAGES.name], ["empty"]) == 1
    assert len(refused.reasons()) == 2


def test_an_upload_that_has_left_the_landing_zone_keeps_its_rejection(refused: "Scenario") -> None:
    refused.path("empty.jpg").unlink()
    assert forget(refused, ["empty"]) == 0
    assert "empty" in refused.reasons().values()


def test_a_rejection_in_a_chunk_of_an_interrupted_run_is_forgotten_too_and_is_one_file(refused: "Scenario") -> None:
    rows = refused.tables.read(REJECTIONS, refused.day)
    chunk = ObjectKey(f"{checkpoint_prefix(REJECTIONS.name, refused.day)}/1.parquet")
    refused.tables.write_file(chunk, REJECTIONS, refused.day, [rows])
    assert count_rejections(refused.tables, refused.day, [BRONZE_IMAGES.name], ["empty"]) == 1
    assert forget(refused, ["empty"]) == 1
    assert refused.take_in().newly_rejected == 1


def test_a_rejection_of_a_later_stage_is_forgotten_whatever_lies_in_the_landing_zone(refused: "Scenario") -> None:
    (original,) = (refused.root / "bronze").rglob("*.jpg")
    data = original.read_bytes()
    original.unlink()
    refused.derive()
    original.write_bytes(data)
    refused.path("good.jpg").unlink()
    assert forget(refused, ["unreadable"]) == 1
    assert refused.derive()["thumbnails"].computed == 1


def test_an_empty_lake_has_no_stage_that_rejects(scenario: "Scenario") -> None:
    assert rejecting_stages(scenario.tables) == []
