"""What people decided: nothing of it is ever lost, and nothing is kept that no image stands for."""

import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Literal

import pytest

from image_assets.errors import AmbiguousImageError, DecisionError, TableError, UnknownImageError
from image_assets.ids import ImageId, ObjectKey
from image_assets.lake.object_keys import review_key
from image_assets.steps.classification.label_decisions import Decision, read_decisions, record_decisions
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


@pytest.mark.parametrize("hours", [1, 0, -1, -24 * 400])
def test_a_later_decision_wins_whatever_the_clock_says_and_the_earlier_stays(two: "Scenario", hours: int) -> None:
    decide(two, "hat.png", "cap")
    decide(two, "hat.png", "beret", hours)
    assert read_decisions(two.store, two.day)["label"].to_list() == ["beret"]
    assert len(list(two.store.list("reviews"))) == 2


def test_after_a_clock_that_was_ahead_every_decision_is_later_than_the_one_before(two: "Scenario") -> None:
    decide(two, "hat.png", "cap", hours=24 * 400)
    for label in ("beret", "bonnet", "fez"):
        decide(two, "hat.png", label)
    assert read_decisions(two.store, two.day)["label"].to_list() == ["fez"]


def test_a_decision_on_one_image_does_not_move_the_instants_of_another(two: "Scenario") -> None:
    decide(two, "hat.png", "cap", hours=1)
    assert record_decisions(two.tables, [Decision("shoe.png", "boot")], "eva", NOON).last_at == NOON


def test_two_people_at_the_same_instant_both_keep_their_decisions(two: "Scenario") -> None:
    key_of = partial(review_key, two.day, ImageId(str(two.rows(BRONZE_IMAGES)[0]["image_id"])), NOON)
    assert key_of() != key_of()


def test_decisions_kept_under_keys_without_a_mark_are_read(two: "Scenario") -> None:
    decide(two, "hat.png", "cap")
    (found,) = two.store.list("reviews")
    two.store.write(ObjectKey(found.key.rpartition("-")[0] + ".json"), two.store.read(found.key))
    two.store.delete(found.key)
    decide(two, "hat.png", "beret")
    assert read_decisions(two.store, two.day)["label"].to_list() == ["beret"]


def test_two_rows_for_one_image_are_refused_with_their_lines(two: "Scenario") -> None:
    image_id = str(next(row["image_id"] for row in two.rows(BRONZE_IMAGES) if row["raw_name"] == "hat.png"))
    decisions = [Decision("hat.png", "cap", 2), Decision("shoe.png", "boot", 3), Decision(image_id, "cap", 4)]
    with pytest.raises(DecisionError, match=rf"line 4: {image_id} is decided twice, line 2: hat\.png is the same"):
        record_decisions(two.tables, decisions, "eva", NOON)
    assert read_decisions(two.store).is_empty()


def test_a_decision_is_kept_in_the_normal_form_of_a_label(two: "Scenario") -> None:
    decide(two, "hat.png", " Straw\tHat\a ")
    assert read_decisions(two.store)["label"].to_list() == ["straw hat"]


def test_a_decision_of_an_older_release_is_read_in_the_normal_form(two: "Scenario") -> None:
    decide(two, "hat.png", "cap")
    (found,) = two.store.list("reviews")
    two.store.write(found.key, two.store.read(found.key).replace(b'"cap"', b'" Cap"'))
    assert read_decisions(two.store)["label"].to_list() == ["cap"]


def test_a_decision_of_an_older_release_that_nobody_can_see_says_nothing(two: "Scenario") -> None:
    decide(two, "hat.png", "cap")
    (found,) = two.store.list("reviews")
    two.store.write(found.key, two.store.read(found.key).replace(b'"cap"', b'"\\u0007"'))
    assert labels(two)["hat.png"] == ("hat", "supplied")


def test_what_operating_systems_leave_among_decisions_is_passed_over(two: "Scenario") -> None:
    two.store.write(ObjectKey("reviews/2026-10-01/.DS_Store"), b"")
    assert read_decisions(two.store).is_empty()


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_an_image_is_found_by_its_name_however_accents_are_encoded(
    scenario: "Scenario", paint: Paint, form: Literal["NFC", "NFD"]
) -> None:
    scenario.land("anna/a.png", paint(kind="PNG"), raw_name=unicodedata.normalize("NFD", "gr\xf6\xdfe.png"))
    scenario.take_in()
    decide(scenario, unicodedata.normalize(form, "gr\xf6\xdfe.png"), "hat")
    assert read_decisions(scenario.store)["label"].to_list() == ["hat"]


def test_an_object_that_is_named_as_no_decision_is_named(two: "Scenario") -> None:
    two.store.write(ObjectKey("reviews/2026-10-01/notes.txt"), b"")
    with pytest.raises(TableError, match="named as no decision"):
        read_decisions(two.store)


def test_a_decision_outlives_every_table(two: "Scenario") -> None:
    decide(two, "hat.png", "cap")
    for found in list(two.store.list("tables")):
        two.store.delete(found.key)
    two.take_in()
    assert labels(two)["hat.png"] == ("cap", "human")


def test_unknown_images_are_named_and_nothing_is_kept(two: "Scenario") -> None:
    decisions = [Decision("hat.png", "cap"), Decision("scarf.png", "scarf")]
    with pytest.raises(UnknownImageError, match=r"scarf\.png is no image"):
        record_decisions(two.tables, decisions, "eva", NOON)
    assert read_decisions(two.store).is_empty()


def test_a_name_that_fits_several_images_is_refused(two: "Scenario", paint: Paint) -> None:
    two.land("berta/hat.png", paint("green", kind="PNG"))
    two.take_in()
    with pytest.raises(AmbiguousImageError, match="names 2 images"):
        decide(two, "hat.png", "cap")


def test_an_empty_label_is_refused(two: "Scenario") -> None:
    for label in ("  ", "\a", "\N{ZERO WIDTH SPACE}"):
        with pytest.raises(DecisionError, match="has no label"):
            decide(two, "hat.png", label)


def test_a_damaged_decision_is_named(two: "Scenario") -> None:
    decide(two, "hat.png", "cap")
    (found,) = two.store.list("reviews")
    two.store.write(found.key, b"{}")
    with pytest.raises(TableError, match="is damaged: image_id: Field required; repair it or delete it"):
        read_decisions(two.store)
