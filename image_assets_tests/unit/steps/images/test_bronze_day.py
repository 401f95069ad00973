"""A day in bronze: what is taken in, and how it is described."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from image_assets.compute.engine import ProcessEngine
from image_assets.steps.images.landing import landing_days
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import rejections_of

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]

SAFE_KEY = re.compile(r"(bronze|tables)/[a-z0-9_/.-]+")


def test_an_original_is_kept_byte_for_byte(scenario: "Scenario", paint: Paint) -> None:
    data = paint() + b"bytes behind the image"
    scenario.land("anna/a.jpg", data)
    scenario.take_in()
    assert (scenario.root / str(scenario.row(BRONZE_IMAGES)["raw_path"])).read_bytes() == data


def test_a_row_describes_the_file(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint(size=(64, 48), kind="PNG"))
    scenario.take_in()
    row = scenario.row(BRONZE_IMAGES)
    told = [row[name] for name in ("format", "mime", "mode", "width_px", "height_px", "frames", "raw_name", "user_id")]
    assert told == ["PNG", "image/png", "RGB", 64, 48, 1, "a.jpg", "anna"]
    assert str(row["raw_path"]) == f"bronze/2026/10/01/{row['image_id']}.png"


def test_a_file_right_below_the_day_is_kept_without_a_user(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("a.jpg", paint())
    scenario.take_in()
    assert scenario.row(BRONZE_IMAGES)["user_id"] is None


@pytest.mark.parametrize("linked", ["landing/2026-10-01/anna/a.jpg", "landing/2026-10-01/anna", "landing/2026-10-01"])
def test_a_picture_behind_a_link_is_not_taken_in_and_the_link_is_a_rejected_row(
    scenario: "Scenario", paint: Paint, tmp_path: Path, linked: str
) -> None:
    private = tmp_path / "private"
    private.mkdir()
    (private / "a.jpg").write_bytes(paint())
    path = scenario.root / linked
    path.parent.mkdir(parents=True)
    path.symlink_to(private / "a.jpg" if linked.endswith(".jpg") else private)
    assert landing_days(scenario.store) == {scenario.day}
    report = scenario.take_in()
    assert (report.seen, report.rejected) == (1, 1)
    assert scenario.reasons() == {linked: "unreadable"}
    (row,) = scenario.rows(rejections_of(BRONZE_IMAGES))
    assert "symbolic link" in str(row["detail"])
    assert [key for key in scenario.files() if key.startswith("bronze/")] == []


def test_the_same_bytes_under_two_names_are_two_images(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint())
    scenario.land("berta/a.jpg", paint())
    scenario.take_in()
    first, second = scenario.rows(BRONZE_IMAGES)
    assert first["sha256"] == second["sha256"]
    assert first["image_id"] != second["image_id"]


ODD_NAMES = [
    "new\nline.jpg",
    "..%2f..%2fetc%2fpasswd.jpg",
    "..\\..\\windows.jpg",
    "\N{DRESS}\N{ZERO WIDTH JOINER}\N{HIGH-HEELED SHOE}.jpg",
    "\udcff\udcfe.jpg",
    "n" * 251 + ".jpg",
    "'; DROP TABLE bronze_images; --.jpg",
    "<script>alert(1)<.jpg",
    "*?[a]{b}.jpg",
    "no extension",
]


@pytest.mark.parametrize("name", ODD_NAMES, ids=lambda name: ascii(name)[:20])
def test_an_odd_name_is_a_value_and_no_part_of_a_key(scenario: "Scenario", paint: Paint, name: str) -> None:
    scenario.land(f"anna/{name}", paint())
    scenario.take_in()
    row = scenario.row(BRONZE_IMAGES)
    assert row["raw_name"] == os.fsencode(name).decode("utf-8", "replace")
    assert row["source_uri"] == scenario.uri(f"anna/{name}")
    keys = [key for key in scenario.files() if not key.startswith("landing/")]
    assert [key for key in keys if not SAFE_KEY.fullmatch(key)] == []


def test_a_day_without_files_is_an_empty_table(scenario: "Scenario") -> None:
    report = scenario.take_in()
    assert (report.seen, report.is_unchanged) == (0, False)
    assert scenario.rows(BRONZE_IMAGES) == []
    assert scenario.take_in().is_unchanged


def test_processes_and_one_process_make_the_same_rows(
    scenario: "Scenario", paint: Paint, workers: ProcessEngine
) -> None:
    for number in range(5):
        scenario.land(f"anna/{number}.jpg", paint(size=(64 + number, 48)), label="hat")
    scenario.take_in()
    alone = scenario.tables.read(BRONZE_IMAGES, scenario.day).drop("processed_at", "ingested_at")
    for info in list(scenario.store.list("tables")):
        scenario.store.delete(info.key)
    scenario.take_in(workers)
    spread = scenario.tables.read(BRONZE_IMAGES, scenario.day).drop("processed_at", "ingested_at")
    assert spread.equals(alone)
