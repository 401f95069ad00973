"""A day in bronze: what is refused, why, and when it is tried again."""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import polars as pl
import pytest

from image_assets.compute.engine import Failed, Outcome, ProcessEngine, SerialEngine
from image_assets.compute.outcomes import Item, Result
from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.inspect import InspectParams
from image_assets.samples.mishaps import half_jpeg, png_bomb
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import rejections_of

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]


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
