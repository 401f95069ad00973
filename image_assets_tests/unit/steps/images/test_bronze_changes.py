"""A day in bronze: files that leave, are replaced, come late, or change while a run is under way."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from image_assets.compute.engine import Outcome, SerialEngine
from image_assets.compute.outcomes import Item, Result
from image_assets.imaging.inspect import InspectParams
from image_assets.steps.images.bronze import take_in_day
from image_assets.tables.images import BRONZE_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]


def test_a_file_that_left_the_landing_zone_keeps_its_row(scenario: "Scenario", paint: Paint) -> None:
    path = scenario.land("anna/a.jpg", paint(), label="hat")
    scenario.take_in()
    before = scenario.rows(BRONZE_IMAGES)
    path.unlink()
    scenario.path("anna/a.jpg.json").unlink()
    assert scenario.take_in().is_unchanged
    assert scenario.rows(BRONZE_IMAGES) == before


def test_a_file_that_left_is_described_again_from_its_original(scenario: "Scenario", paint: Paint) -> None:
    path = scenario.land("anna/a.jpg", paint(), label="hat", raw_name="my hat.jpg")
    scenario.take_in()
    before = scenario.row(BRONZE_IMAGES)
    path.unlink()
    scenario.path("anna/a.jpg.json").unlink()
    scenario.take_in(limits=InspectParams(min_side_px=17))
    after = scenario.row(BRONZE_IMAGES)
    differing = {name for name in after if after[name] != before[name]}
    assert differing == {"recipe_version", "processed_at"}


def test_the_label_of_a_file_that_left_is_brought_into_its_normal_form(scenario: "Scenario", paint: Paint) -> None:
    path = scenario.land("anna/a.jpg", paint(), label="hat")
    scenario.take_in()
    rows = scenario.tables.read(BRONZE_IMAGES, scenario.day)
    scenario.rewrite(BRONZE_IMAGES, rows.with_columns(label=pl.lit(" Hat "), recipe_version=pl.lit("older")))
    path.unlink()
    scenario.path("anna/a.jpg.json").unlink()
    scenario.take_in()
    assert scenario.row(BRONZE_IMAGES)["label"] == "hat"


def test_a_replaced_file_gets_a_new_id_and_its_old_row_goes(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint("red"))
    scenario.take_in()
    before = scenario.row(BRONZE_IMAGES)
    scenario.land("anna/a.jpg", paint("blue"))
    report = scenario.take_in()
    after = scenario.row(BRONZE_IMAGES)
    assert after["image_id"] != before["image_id"]
    assert report.computed == 1


def test_an_image_that_is_replaced_by_a_bad_file_goes(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint())
    scenario.take_in()
    scenario.land("anna/a.jpg", b"no longer an image")
    report = scenario.take_in()
    assert (report.accepted, report.rejected, report.removed) == (0, 1, 1)


def test_a_touched_file_keeps_its_id(scenario: "Scenario", paint: Paint) -> None:
    path = scenario.land("anna/a.jpg", paint())
    scenario.take_in()
    before = scenario.row(BRONZE_IMAGES)
    os.utime(path, (1, 1))
    scenario.take_in()
    assert scenario.row(BRONZE_IMAGES)["image_id"] == before["image_id"]


def test_a_touched_file_keeps_the_instant_at_which_its_bytes_entered_bronze(scenario: "Scenario", paint: Paint) -> None:
    path = scenario.land("anna/a.jpg", paint())
    scenario.take_in()
    before = scenario.row(BRONZE_IMAGES)
    os.utime(path, (1, 1))
    scenario.take_in()
    after = scenario.row(BRONZE_IMAGES)
    assert after["processed_at"] > before["processed_at"]
    assert after["ingested_at"] == before["ingested_at"]


def test_other_bytes_enter_bronze_at_an_instant_of_their_own(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint("red"))
    scenario.take_in()
    before = scenario.row(BRONZE_IMAGES)["ingested_at"]
    scenario.land("anna/a.jpg", paint("blue"))
    scenario.take_in()
    assert scenario.row(BRONZE_IMAGES)["ingested_at"] > before


@pytest.mark.parametrize("column", ["sidecar_problem", "ingested_at"])
def test_rows_of_an_older_shape_are_stale_and_not_fatal(scenario: "Scenario", paint: Paint, column: str) -> None:
    scenario.land("anna/a.jpg", paint())
    scenario.take_in()
    rows = scenario.tables.read(BRONZE_IMAGES, scenario.day)
    scenario.rewrite(BRONZE_IMAGES, rows.drop(column).with_columns(recipe_version=pl.lit("older")))
    report = scenario.take_in()
    assert (report.accepted, report.computed) == (1, 1)
    assert scenario.row(BRONZE_IMAGES)["image_id"] == rows["image_id"][0]


def test_a_late_file_is_taken_in_alone(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint("red"))
    scenario.take_in()
    scenario.land("anna/b.jpg", paint("blue"))
    report = scenario.take_in()
    assert (report.computed, report.reused, report.accepted) == (1, 1, 2)


class OvertakenEngine(SerialEngine):
    """While the first image is worked on, or right before, something else happens."""

    def __init__(self, meanwhile: Callable[[], object], *, is_first: bool = False) -> None:
        self._left, self._is_first = [meanwhile], is_first

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Outcome[Item, Result]]:
        if self._is_first:
            items = list(items)
            self._left.pop()()
        for outcome in super().map(work, items):
            while self._left:
                self._left.pop()()
            yield outcome


def test_an_older_listing_never_drops_what_another_run_has_taken_in_meanwhile(
    scenario: "Scenario", paint: Paint
) -> None:
    scenario.land("anna/early.jpg", paint())

    def take_in_another_that_leaves() -> None:
        late = scenario.land("bob/late.jpg", paint("blue"))
        bad = scenario.land("bob/bad.jpg", b"")
        scenario.take_in()
        late.unlink()
        bad.unlink()

    scenario.take_in(OvertakenEngine(take_in_another_that_leaves))
    assert {row["raw_name"] for row in scenario.rows(BRONZE_IMAGES)} == {"early.jpg", "late.jpg"}
    assert scenario.reasons() == {scenario.uri("bob/bad.jpg"): "empty"}
    assert scenario.take_in().is_unchanged


def test_an_original_of_a_run_that_was_cut_off_is_kept_although_its_upload_has_gone(
    scenario: "Scenario", paint: Paint
) -> None:
    names = [f"{number:02}.jpg" for number in range(20)]
    uploads = [scenario.land(f"anna/{name}", paint()) for name in names]

    def cut_off(done: int, _total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_in_day(scenario.tables, scenario.day, InspectParams(), SerialEngine(), chunk_size=16, on_progress=cut_off)
    for upload in uploads[:16]:
        upload.unlink()
    scenario.take_in()
    assert sorted(row["raw_name"] for row in scenario.rows(BRONZE_IMAGES)) == names


def test_an_upload_that_comes_back_and_leaves_before_it_is_read_keeps_its_row(
    scenario: "Scenario", paint: Paint
) -> None:
    upload = scenario.land("anna/a.jpg", paint())
    scenario.land("anna/first.jpg", paint("blue"))
    scenario.take_in()
    before = [row["sha256"] for row in scenario.rows(BRONZE_IMAGES)]
    for each in scenario.root.glob("landing/**/*.jpg"):
        os.utime(each)
    scenario.take_in(OvertakenEngine(upload.unlink, is_first=True))
    assert [row["sha256"] for row in scenario.rows(BRONZE_IMAGES)] == before
    assert (scenario.reasons(), scenario.take_in().removed) == ({}, 0)


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("/etc/hostname"), os.mkfifo], ids=["link", "pipe"])
def test_a_link_in_the_place_of_an_upload_that_was_taken_in_does_not_drop_its_row_and_is_told(
    scenario: "Scenario", paint: Paint, caplog: pytest.LogCaptureFixture, make: Callable[[Path], None]
) -> None:
    upload = scenario.land("anna/a.jpg", paint())
    scenario.take_in()
    upload.unlink()
    make(upload)
    scenario.take_in()
    assert f"{scenario.uri('anna/a.jpg')} keeps its row, its upload cannot be read: " in caplog.text
    upload.unlink()
    scenario.take_in()
    assert scenario.row(BRONZE_IMAGES)["raw_name"] == "a.jpg"
