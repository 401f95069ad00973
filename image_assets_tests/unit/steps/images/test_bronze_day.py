import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import polars as pl
import pytest

from image_assets.compute.engine import Failed, Outcome, ProcessEngine, SerialEngine
from image_assets.compute.outcomes import Item, Result
from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.inspect import InspectParams
from image_assets.samples.mishaps import half_jpeg, png_bomb
from image_assets.steps.audits.day_audits import audit_uploads
from image_assets.steps.images.bronze import take_in_day
from image_assets.steps.images.landing import landing_days
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import rejections_of

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]

SAFE_KEY = re.compile(r"(bronze|tables)/[a-z0-9_/.-]+")


@pytest.fixture
def bad_day(scenario: "Scenario", paint: Paint) -> "Scenario":
    """One good image among files that are refused at the door, each in its own way."""
    scenario.land("anna/good.jpg", paint())
    scenario.land("anna/note.jpg", b"not an image at all")
    scenario.land("anna/empty.jpg", b"")
    scenario.land("anna/bomb.png", png_bomb(b""))
    scenario.land("anna/orphan.json", b'{"user_id": "anna"}')
    scenario.land("anna/head.jpg", paint()[:200])
    scenario.land("anna/tiny.png", paint(size=(3, 3), kind="PNG"))
    scenario.land("anna/strip.png", paint(size=(1000, 20), kind="PNG"))
    scenario.path("anna/broken.jpg").symlink_to("nowhere")
    scenario.path("anna/folder.jpg").symlink_to(scenario.path("anna").parent, target_is_directory=True)
    os.mkfifo(scenario.path("anna/pipe.jpg"))
    return scenario


REASONS = {
    "note.jpg": "not_an_image",
    "empty.jpg": "empty",
    "bomb.png": "too_many_pixels",
    "orphan.json": "not_an_image",
    "head.jpg": "truncated",
    "tiny.png": "too_small",
    "strip.png": "bad_aspect",
    "broken.jpg": "unreadable",
    "folder.jpg": "unreadable",
    "pipe.jpg": "unreadable",
}


def test_every_bad_file_is_refused_with_its_reason_and_the_rest_is_kept(
    bad_day: "Scenario", workers: ProcessEngine
) -> None:
    report = bad_day.take_in(workers)
    assert bad_day.reasons() == {bad_day.uri(f"anna/{name}"): reason for name, reason in REASONS.items()}
    assert (report.seen, report.accepted, report.rejected) == (len(REASONS) + 1, 1, len(REASONS))


def test_a_refused_file_is_not_tried_again(bad_day: "Scenario") -> None:
    bad_day.take_in()
    before = bad_day.files()
    report = bad_day.take_in()
    assert report.is_unchanged
    assert (report.computed, report.newly_rejected) == (0, 0)
    assert bad_day.files() == before


def test_a_refused_file_is_tried_again_under_other_limits(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/tiny.png", paint(size=(3, 3), kind="PNG"))
    scenario.take_in()
    assert scenario.take_in(limits=InspectParams(min_side_px=2)).accepted == 1
    assert scenario.reasons() == {}


def test_a_file_that_is_too_large_is_not_read(scenario: "Scenario") -> None:
    path = scenario.land("anna/large.jpg", b"")
    os.truncate(path, 10**12)  # A sparse file: nobody could hold it.
    scenario.take_in()
    assert scenario.reasons() == {scenario.uri("anna/large.jpg"): "too_large"}


def test_a_refusal_tells_what_was_learnt(scenario: "Scenario") -> None:
    scenario.land("anna/note.jpg", b"abc")
    scenario.take_in()
    row = scenario.row(rejections_of(BRONZE_IMAGES))
    assert row["sha256"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert (row["size_bytes"], row["stage"], row["source_uri"]) == (3, "bronze_images", scenario.uri("anna/note.jpg"))
    assert row["image_id"] is not None


def test_half_an_image_is_kept_at_the_door_because_its_header_is_whole(scenario: "Scenario", paint: Paint) -> None:
    # Its pixels are looked at where they are decoded: see the silver step.
    scenario.land("anna/half.jpg", half_jpeg(paint(size=(600, 400))))
    assert scenario.take_in().accepted == 1


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


def test_a_sidecar_knows_better_than_folder_and_file(scenario: "Scenario", paint: Paint) -> None:
    said = {"user_id": "berta", "label": "hat", "raw_name": "my hat.jpg", "uploaded_at": "2026-09-30T23:59:00Z"}
    scenario.land("anna/a.jpg", paint(), **said)
    scenario.take_in()
    row = scenario.row(BRONZE_IMAGES)
    assert (row["user_id"], row["label"], row["raw_name"]) == ("berta", "hat", "my hat.jpg")
    assert row["uploaded_at"] == datetime(2026, 9, 30, 23, 59, tzinfo=UTC)
    assert row["sidecar_problem"] is None


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


def test_a_refusal_stays_when_its_file_has_left(scenario: "Scenario") -> None:
    path = scenario.land("anna/a.jpg", b"not an image")
    scenario.take_in()
    path.unlink()
    assert scenario.take_in().is_unchanged
    assert len(scenario.reasons()) == 1


def test_what_was_refused_before_it_was_known_as_litter_is_forgotten(scenario: "Scenario") -> None:
    scenario.land("anna/note.jpg", b"not an image")
    scenario.take_in()
    rows = scenario.tables.read(rejections_of(BRONZE_IMAGES), scenario.day)
    litter = pl.lit(scenario.uri("anna/.DS_Store"))
    scenario.rewrite(rejections_of(BRONZE_IMAGES), rows.with_columns(item=litter, source_uri=litter))
    scenario.path("anna/note.jpg").unlink()
    scenario.land("anna/.DS_Store", b"")
    scenario.take_in()
    assert scenario.reasons() == {}


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


def test_the_same_bytes_under_two_names_are_two_images(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint())
    scenario.land("berta/a.jpg", paint())
    scenario.take_in()
    first, second = scenario.rows(BRONZE_IMAGES)
    assert first["sha256"] == second["sha256"]
    assert first["image_id"] != second["image_id"]


def test_a_late_file_is_taken_in_alone(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint("red"))
    scenario.take_in()
    scenario.land("anna/b.jpg", paint("blue"))
    report = scenario.take_in()
    assert (report.computed, report.reused, report.accepted) == (1, 1, 2)


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


class DeadlyEngine(SerialEngine):
    """Every worker is killed."""

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Outcome[Item, Result]]:
        for item in items:
            yield Failed(item, ImageError(RejectionReason.WORKER_CRASHED, "the worker was killed by signal 9"))


def test_a_healthy_image_whose_worker_was_killed_is_tried_again_by_the_next_run(
    scenario: "Scenario", paint: Paint
) -> None:
    scenario.land("anna/a.jpg", paint())
    report = scenario.take_in(DeadlyEngine())
    assert (report.newly_rejected, scenario.reasons()) == (1, {scenario.uri("anna/a.jpg"): "worker_crashed"})
    assert scenario.take_in().accepted == 1
    assert scenario.reasons() == {}


def test_an_image_that_has_killed_two_workers_is_not_tried_a_third_time(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint())
    scenario.take_in(DeadlyEngine())
    scenario.take_in(DeadlyEngine())
    assert scenario.take_in().is_unchanged
    assert scenario.reasons() == {scenario.uri("anna/a.jpg"): "worker_crashed"}
