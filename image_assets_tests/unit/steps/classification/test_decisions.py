"""What people decided: nothing of it is ever lost, and nothing is kept that no image stands for."""

import json
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Literal

import pytest

from image_assets.errors import AmbiguousImageError, DecisionError, TableError, UnknownImageError
from image_assets.ids import ImageId, ObjectKey
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.object_keys import review_key
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.classification.label_decisions import (
    Decision,
    KeptDecisions,
    read_decisions,
    record_decisions,
)
from image_assets.steps.classification.opinions import Kind, Opinion, OpinionLog, read_opinions
from image_assets.steps.classification.outcomes import outcomes_of
from image_assets.steps.images.named_images import find_images
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


def say(scenario: "Scenario", by: str, label: str = "", kind: Kind = Kind.LABEL, **more: str) -> KeptDecisions:
    return record_decisions(scenario.tables, [Decision("hat.png", label, kind=kind, **more)], by, NOON)


def gold_of_hat(scenario: "Scenario") -> tuple[object, object, object]:
    labels(scenario)
    row = next(row for row in scenario.rows(GOLD_IMAGES) if row["raw_name"] == "hat.png")
    return row["label"], row["label_source"], row["needs_review"]


def test_while_people_differ_gold_shows_what_stood_before_and_asks_for_a_review(two: "Scenario") -> None:
    say(two, "ann", "cap")
    assert say(two, "bob", "beret").conflicts[0].sides == {"ann": "cap", "bob": "beret"}
    assert gold_of_hat(two) == ("cap", "human", True)
    say(two, "cy", "beret")
    assert gold_of_hat(two)[:2] == ("beret", "human")


def test_decisions_of_a_release_without_kinds_keep_their_last_label_and_contradict_new_ones(two: "Scenario") -> None:
    for by, label in (("ann", "cap"), ("bob", "beret")):
        say(two, by, label)
    for found in list(two.store.list("reviews")):
        kept = json.loads(two.store.read(found.key))
        old = {name: kept[name] for name in ("image_id", "label", "decided_at", "decided_by")}
        two.store.write(found.key, json.dumps(old).encode())
    assert gold_of_hat(two)[:2] == ("beret", "human")
    assert read_decisions(two.store)["is_conflict"].to_list() == [False]
    assert say(two, "ann", "cap").conflicts


def test_taking_back_again_and_again_ends_at_what_the_uploader_said(two: "Scenario") -> None:
    say(two, "ann", "cap")
    say(two, "ann", "beret")
    say(two, "ann", kind=Kind.UNDO)
    assert gold_of_hat(two)[0] == "cap"
    say(two, "ann", kind=Kind.UNDO)
    assert gold_of_hat(two)[:2] == ("hat", "supplied")
    with pytest.raises(DecisionError, match="nothing that could be taken back"):
        say(two, "ann", kind=Kind.UNDO)


def test_nobody_takes_back_what_another_said(two: "Scenario") -> None:
    say(two, "ann", "cap")
    with pytest.raises(DecisionError, match="nothing that could be taken back"):
        say(two, "bob", kind=Kind.UNDO)


def test_without_an_image_the_own_last_decision_is_taken_back(two: "Scenario") -> None:
    say(two, "ann", "cap")
    record_decisions(two.tables, [Decision("shoe.png", "boot")], "ann", NOON + timedelta(minutes=1))
    say(two, "bob", "cap")
    undo = Decision("", kind=Kind.UNDO, decision_id="u1")
    for _ in range(2):
        record_decisions(two.tables, [undo], "ann", NOON + timedelta(minutes=2))
    assert read_decisions(two.store)["label"].to_list() == ["cap"]


def test_an_accepted_answer_is_kept_with_the_model_that_gave_it(two: "Scenario") -> None:
    labels(two)
    two.predict()
    two.curate()
    row = next(row for row in two.rows(GOLD_IMAGES) if row["raw_name"] == "hat.png")
    kept = say(two, "ann", kind=Kind.ACCEPT).opinions[0]
    assert kept.label == row["predicted_label"] == "red"
    assert (kept.model_version, kept.confidence_ratio) == (row["model_version"], row["confidence_ratio"])
    assert gold_of_hat(two)[:2] == ("red", "human")
    with pytest.raises(DecisionError, match="the model says 'red' by now"):
        say(two, "ann", "blue", Kind.ACCEPT)


def test_where_no_model_spoke_nothing_can_be_accepted(two: "Scenario") -> None:
    with pytest.raises(DecisionError, match="no model has said anything"):
        say(two, "ann", kind=Kind.ACCEPT)


def test_a_decision_sent_again_is_kept_once_and_one_of_its_name_that_differs_is_refused(two: "Scenario") -> None:
    first, again = say(two, "ann", "cap", decision_id="d1"), say(two, "ann", "cap", decision_id="d1")
    assert first.opinions == again.opinions
    assert len(list(two.store.list("reviews"))) == 1
    with pytest.raises(DecisionError, match="another decision has the id d1"):
        say(two, "ann", "beret", decision_id="d1")
    say(two, "bob", "cap", decision_id="d1")
    assert len(list(two.store.list("reviews"))) == 2


def test_the_id_of_a_decision_is_for_one_image(two: "Scenario") -> None:
    hat, shoe = Decision("hat.png", "cap", decision_id="d1"), Decision("shoe.png", "boot", decision_id="d1")
    with pytest.raises(DecisionError, match="another decision has the id d1"):
        record_decisions(two.tables, [hat, shoe], "ann", NOON)
    record_decisions(two.tables, [hat], "ann", NOON)
    with pytest.raises(DecisionError, match="another decision has the id d1"):
        record_decisions(two.tables, [shoe], "ann", NOON)
    record_decisions(two.tables, [shoe], "bob", NOON)
    assert len(list(two.store.list("reviews"))) == 2


def test_one_decision_does_not_sync_all_disks(two: "Scenario", paint: Paint) -> None:
    class Store(LocalObjectStore):
        def flush(self) -> None:
            pytest.fail("one file can be made to last by itself")

    record_decisions(ParquetTables(Store(two.root)), [Decision("hat.png", "cap")], "ann", NOON)
    assert read_decisions(two.store)["label"].to_list() == ["cap"]


def test_an_image_without_a_cleansed_picture_is_found_by_its_id(two: "Scenario") -> None:
    image_id = str(two.rows(BRONZE_IMAGES)[0]["image_id"])
    assert not list(two.store.list("silver"))
    for _ in range(2):
        assert find_images(two.tables, [image_id]) == {image_id: [(image_id, two.day)]}
        two.derive()


def test_a_log_reads_each_word_once_and_forgets_those_of_erased_images(two: "Scenario") -> None:
    say(two, "ann", "cap")
    log = OpinionLog(two.store)
    assert [each.label for each in log.all()] == ["cap"]
    (found,) = two.store.list("reviews")
    two.store.write(found.key, b"{}")
    assert [each.label for each in log.all()] == ["cap"]
    two.store.delete(found.key)
    assert log.all() == []


def test_a_log_that_was_asked_a_moment_ago_has_what_was_said_here_since(two: "Scenario") -> None:
    log = OpinionLog(two.store, lambda: 0.0)
    assert log.recent() == ()
    say(two, "bob", "cap")
    assert log.recent() == ()
    record_decisions(two.tables, [Decision("shoe.png", "boot")], "ann", NOON, log)
    assert [each.label for each in log.recent()] == ["boot"]


@pytest.mark.parametrize("kind", [Kind.SKIP, Kind.UNDO])
def test_who_skips_or_takes_back_says_nothing_of_what_an_image_shows(two: "Scenario", kind: Kind) -> None:
    decide(two, "hat.png", "cap")
    with pytest.raises(DecisionError, match="leave out its label"):
        record_decisions(two.tables, [Decision("hat.png", "bonnet", kind=kind)], "eva", NOON)
    assert [each.label for each in read_opinions(two.tables.store)] == ["cap"]


def test_a_label_that_lies_beside_a_skip_settles_nothing() -> None:
    words = [("ann", "dress", Kind.LABEL), ("bob", "shirt", Kind.LABEL), ("cy", "hat", Kind.SKIP)]
    said = [
        Opinion("x", label, NOON + timedelta(hours=hour), who, kind) for hour, (who, label, kind) in enumerate(words)
    ]
    assert (outcomes_of(said)["x"].label, outcomes_of(said)["x"].is_conflict) == ("dress", True)
