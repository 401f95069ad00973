"""A day in bronze: what sidecars say, when they are broken, come late or are left behind."""

import os
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from image_assets.steps.audits.day_audits import audit_uploads
from image_assets.tables.images import BRONZE_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]

SAFE_KEY = re.compile(r"(bronze|tables)/[a-z0-9_/.-]+")


def test_a_sidecar_knows_better_than_folder_and_file(scenario: "Scenario", paint: Paint) -> None:
    said = {"user_id": "berta", "label": "hat", "raw_name": "my hat.jpg", "uploaded_at": "2026-09-30T23:59:00Z"}
    scenario.land("anna/a.jpg", paint(), **said)
    scenario.take_in()
    row = scenario.row(BRONZE_IMAGES)
    assert (row["user_id"], row["label"], row["raw_name"]) == ("berta", "hat", "my hat.jpg")
    assert row["uploaded_at"] == datetime(2026, 9, 30, 23, 59, tzinfo=UTC)
    assert row["sidecar_problem"] is None


def make_text(path: Path) -> None:
    path.write_bytes(b"{half a json")


def make_link(path: Path) -> None:
    path.symlink_to("nowhere")


def make_link_to_private_file(path: Path) -> None:
    private = path.parents[3] / "private"
    private.write_text('{"user_id": "root", "label": "private"}')
    path.symlink_to(private)


def make_link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.parametrize("make", [make_text, make_link, make_link_to_private_file, make_link_to_itself, os.mkfifo])
def test_a_broken_sidecar_costs_what_it_says_and_not_the_image(
    scenario: "Scenario", paint: Paint, make: Callable[[Path], None]
) -> None:
    scenario.land("anna/a.jpg", paint())
    make(scenario.path("anna/a.jpg.json"))
    scenario.take_in()
    row = scenario.row(BRONZE_IMAGES)
    assert row["user_id"] == "anna"
    assert row["sidecar_problem"]


def test_a_new_sidecar_is_read_and_leaves_the_id(scenario: "Scenario", paint: Paint) -> None:
    data = paint()
    scenario.land("anna/a.jpg", data)
    scenario.take_in()
    before = scenario.row(BRONZE_IMAGES)
    scenario.land("anna/a.jpg", data, label="hat")
    scenario.take_in()
    after = scenario.row(BRONZE_IMAGES)
    assert (after["image_id"], after["label"]) == (before["image_id"], "hat")


SAID = {"user_id": "berta", "label": "hat", "raw_name": "my hat.jpg", "uploaded_at": "2026-09-30T23:59:00Z"}


def test_what_a_sidecar_said_stays_when_it_leaves_before_its_photo(scenario: "Scenario", paint: Paint) -> None:
    upload = scenario.land("anna/a.jpg", paint(), **SAID)
    scenario.take_in()
    before = {name: scenario.row(BRONZE_IMAGES)[name] for name in SAID}
    for path in (scenario.path("anna/a.jpg.json"), upload):
        path.unlink()
        scenario.take_in()
        assert {name: scenario.row(BRONZE_IMAGES)[name] for name in SAID} == before


def test_what_a_sidecar_said_is_not_said_of_other_bytes(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint(), **SAID)
    scenario.take_in()
    scenario.path("anna/a.jpg.json").unlink()
    scenario.land("anna/a.jpg", paint("blue"))
    scenario.take_in()
    row = scenario.row(BRONZE_IMAGES)
    assert (row["user_id"], row["label"], row["raw_name"]) == ("anna", None, "a.jpg")


def test_a_new_sidecar_takes_back_what_the_former_said(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint(), **SAID)
    scenario.take_in()
    scenario.land("anna/a.jpg", paint(), user_id="carla")
    scenario.take_in()
    row = scenario.row(BRONZE_IMAGES)
    assert (row["user_id"], row["label"], row["raw_name"]) == ("carla", None, "a.jpg")


def test_an_orphan_whose_image_comes_late_becomes_its_sidecar(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg.json", b'{"label": "hat"}')
    scenario.take_in()
    assert len(scenario.reasons()) == 1
    scenario.land("anna/a.jpg", paint())
    scenario.take_in()
    assert scenario.reasons() == {}
    assert scenario.row(BRONZE_IMAGES)["label"] == "hat"


@pytest.mark.parametrize("name", ["../../../etc/passwd", "/absolute.jpg", "x" * 300, "a\nb\0c", "\N{DRESS}.exe"])
def test_an_odd_name_in_a_sidecar_is_a_value_and_no_part_of_a_key(
    scenario: "Scenario", paint: Paint, name: str
) -> None:
    scenario.land("anna/a.jpg", paint(), raw_name=name, user_id=name)
    scenario.take_in()
    row = scenario.row(BRONZE_IMAGES)
    assert (row["raw_name"], row["user_id"]) == (name, name)
    keys = [key for key in scenario.files() if not key.startswith("landing/")]
    assert [key for key in keys if not SAFE_KEY.fullmatch(key)] == []


def test_a_sidecar_that_its_upload_left_behind_is_no_upload(scenario: "Scenario", paint: Paint) -> None:
    upload = scenario.land("anna/a.jpg", paint(), label="hat")
    scenario.take_in()
    upload.unlink()
    assert scenario.take_in().seen == 1
    assert (scenario.row(BRONZE_IMAGES)["label"], scenario.reasons()) == ("hat", {})
    assert audit_uploads(scenario.tables, scenario.day, datetime.now(UTC)).problems == ()


def test_a_sidecar_that_junk_left_behind_is_no_upload(scenario: "Scenario") -> None:
    upload = scenario.land("anna/n.txt", b"no picture", label="hat")
    scenario.take_in()
    upload.unlink()
    assert scenario.take_in().seen == 1
    assert list(scenario.reasons()) == [scenario.uri("anna/n.txt")]
    assert audit_uploads(scenario.tables, scenario.day, datetime.now(UTC)).problems == ()


def test_a_sidecar_that_an_upload_left_behind_after_it_was_overwritten_by_junk_is_no_upload(
    scenario: "Scenario", paint: Paint
) -> None:
    upload = scenario.land("anna/a.jpg", paint(), label="hat")
    scenario.take_in()
    upload.write_bytes(b"no picture any more")
    scenario.take_in()
    upload.unlink()
    scenario.take_in()
    assert list(scenario.reasons()) == [scenario.uri("anna/a.jpg")]


@pytest.mark.parametrize(("of_file", "of_sidecar"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_a_sidecar_that_was_left_behind_is_known_however_accents_are_encoded(
    scenario: "Scenario", paint: Paint, of_file: Literal["NFC", "NFD"], of_sidecar: Literal["NFC", "NFD"]
) -> None:
    name, sidecar = (unicodedata.normalize(form, "anna/\xe9.jpg") for form in (of_file, of_sidecar))
    upload = scenario.land(name, paint())
    scenario.land(f"{sidecar}.json", b'{"label": "hat"}')
    scenario.take_in()
    upload.unlink()
    scenario.take_in()
    assert (scenario.row(BRONZE_IMAGES)["label"], scenario.reasons()) == ("hat", {})


def test_a_picture_that_is_called_like_the_sidecar_of_one_that_has_left_is_an_upload(
    scenario: "Scenario", paint: Paint
) -> None:
    upload = scenario.land("anna/a.jpg", paint())
    scenario.take_in()
    upload.unlink()
    scenario.land("anna/a.jpg.json", paint("blue"))
    (problem,) = audit_uploads(scenario.tables, scenario.day, datetime(2100, 1, 1, tzinfo=UTC)).problems
    assert "a.jpg.json is neither accepted nor rejected" in problem
    scenario.take_in()
    assert {row["raw_name"] for row in scenario.rows(BRONZE_IMAGES)} == {"a.jpg", "a.jpg.json"}
