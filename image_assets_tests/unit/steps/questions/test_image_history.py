"""A story finds its image by whatever name it is asked for, and leaves nothing out."""

import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from image_assets.steps.classification.label_decisions import Decision, record_decisions
from image_assets.steps.questions.image_history import Event, find_subjects, tell_history
from image_assets.tables.catalogue import TABLES
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]


@pytest.fixture
def told(scenario: "Scenario", paint: Paint) -> "Scenario":
    """A dress, whose user called it `my dress.jpg`, and a text; all steps run."""
    scenario.land("anna/dress.jpg", paint("red"), raw_name="my dress.jpg", user_id="anna")
    scenario.land("anna/note.jpg", b"not an image")
    scenario.run()
    return scenario


def story(scenario: "Scenario", text: str) -> list[Event]:
    (subject,) = find_subjects(scenario.tables, text)
    return tell_history(scenario.tables, [*TABLES, scenario.embeddings], subject)


def names_of(scenario: "Scenario", outside: Path) -> dict[str, str]:
    row, original = scenario.row(BRONZE_IMAGES), scenario.path("anna/dress.jpg")
    outside.write_bytes(original.read_bytes())
    return {
        "id": row["image_id"],
        "upload": "landing/2026-10-01/anna/dress.jpg",
        "file": str(original),
        "derivative": scenario.row(SILVER_IMAGES)["cleansed_path"],
        "raw name": "my dress.jpg",
        "file name": "dress.jpg",
        "bytes": str(outside),
    }


@pytest.mark.parametrize("name", ["id", "upload", "file", "derivative", "raw name", "file name", "bytes"])
def test_an_image_is_found_by_each_of_its_names(told: "Scenario", tmp_path: Path, name: str) -> None:
    (subject,) = find_subjects(told.tables, names_of(told, tmp_path / "elsewhere.jpg")[name])
    assert (subject.image_id, subject.day) == (told.row(BRONZE_IMAGES)["image_id"], told.day)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("name", ["gr\xf6\xdfe.jpg", "schr\xe4g.jpg", "landing/2026-10-01/anna/gr\xf6\xdfe.jpg"])
def test_an_image_is_found_however_the_accents_of_its_name_are_encoded(
    scenario: "Scenario", paint: Paint, form: Literal["NFC", "NFD"], name: str
) -> None:
    scenario.land("anna/gro\u0308\xdfe.jpg", paint(), raw_name="schra\u0308g.jpg")
    scenario.take_in()
    assert len(find_subjects(scenario.tables, unicodedata.normalize(form, name))) == 1


@pytest.mark.parametrize("text", ["", "nothing.jpg", "00000000-0000-5000-8000-000000000000", "landing/x", "%", "../.."])
def test_what_nobody_knows_is_not_found(told: "Scenario", text: str) -> None:
    assert find_subjects(told.tables, text) == []


def test_nothing_is_found_in_an_empty_lake(scenario: "Scenario") -> None:
    assert find_subjects(scenario.tables, "dress.jpg") == []


def test_images_of_one_name_are_all_found(told: "Scenario", paint: Paint) -> None:
    told.land("bert/x.jpg", paint("blue"), raw_name="my dress.jpg")
    told.take_in()
    assert len(find_subjects(told.tables, "my dress.jpg")) == 2


def test_every_table_tells_its_part(told: "Scenario") -> None:
    parts = {(chapter.where, chapter.what) for chapter in story(told, "my dress.jpg")}
    made = ["silver_images", "thumbnails", "watermarked_previews", told.embeddings.name, "gold_images"]
    assert {("landing", "uploaded"), ("bronze_images", "accepted"), *((name, "made") for name in made)} <= parts


def test_a_story_is_told_in_the_order_of_time(told: "Scenario") -> None:
    told_at = [chapter.at for chapter in story(told, "my dress.jpg") if chapter.at]
    assert told_at == sorted(told_at)


def test_every_row_names_its_recipe(told: "Scenario") -> None:
    versions = {chapter.where: chapter.recipe_version for chapter in story(told, "my dress.jpg")}
    assert versions["silver_images"] == told.row(SILVER_IMAGES)["recipe_version"]


def test_a_refused_file_says_why(told: "Scenario") -> None:
    (rejected,) = (chapter for chapter in story(told, told.uri("anna/note.jpg")) if chapter.what == "rejected")
    assert (rejected.where, rejected.facts["reason"]) == ("bronze_images", "not_an_image")


def test_an_image_refused_by_a_later_stage_says_which(told: "Scenario") -> None:
    (original,) = (told.root / "bronze").rglob("*.jpg")
    told.land("anna/dress.jpg", original.read_bytes() + b"\0")
    told.take_in()
    for file in (told.root / "bronze").rglob("*.jpg"):
        file.unlink()
    told.derive()
    stages = {chapter.where for chapter in story(told, "my dress.jpg") if chapter.what == "rejected"}
    assert stages == {"silver_images", "thumbnails", "watermarked_previews"}


def test_a_file_that_is_gone_is_marked(told: "Scenario") -> None:
    path = told.row(SILVER_IMAGES)["cleansed_path"]
    (told.root / path).unlink()
    (silver,) = (chapter for chapter in story(told, "my dress.jpg") if chapter.where == "silver_images")
    assert silver.objects == {path: False}


def test_an_upload_that_no_run_has_seen_has_a_story_too(told: "Scenario", paint: Paint) -> None:
    told.land("anna/late.jpg", paint())
    assert [chapter.what for chapter in story(told, "landing/2026-10-01/anna/late.jpg")] == ["uploaded"]


def test_an_upload_that_has_left_the_landing_zone_keeps_its_story(told: "Scenario") -> None:
    told.path("anna/dress.jpg").unlink()
    assert "accepted" in {chapter.what for chapter in story(told, "my dress.jpg")}


def test_a_persons_decision_is_part_of_the_story(told: "Scenario") -> None:
    decision = Decision(told.row(BRONZE_IMAGES)["image_id"], "skirt")
    record_decisions(told.tables, [decision], "eva", datetime(2026, 10, 2, tzinfo=UTC))
    (decided,) = (chapter for chapter in story(told, "my dress.jpg") if chapter.what == "decided")
    assert decided.facts == {"label": "skirt", "decided_by": "eva"}
