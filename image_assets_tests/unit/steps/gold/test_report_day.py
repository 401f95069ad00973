"""The files of a day's report: complete, safe to open, and the same for the same day."""

import csv
import io
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from image_assets.lake.object_keys import report_key
from image_assets.steps.gold.category_links import TREE, link_by_category
from image_assets.steps.gold.report import ReportParams, WrittenReport, write_report
from image_assets.tables.images import THUMBNAILS

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]
FORMULA = "=hyperlink(0)"


@pytest.fixture
def reported(scenario: "Scenario", paint: Paint) -> "Scenario":
    """Two accepted images, one of them with a hostile name, and one rejected file; the report is written."""
    scenario.land("anna/hat.jpg", paint("red"), label="hat")
    scenario.land("berta/shoe.jpg", paint("blue"), label=FORMULA)
    scenario.land("anna/note.jpg", b"not an image")
    scenario.run()
    write(scenario)
    return scenario


def write(scenario: "Scenario") -> WrittenReport:
    return write_report(scenario.tables, scenario.day, ReportParams())


def text_of(scenario: "Scenario", name: str) -> str:
    return scenario.store.read(report_key(scenario.day, name)).decode()


def test_a_report_does_without_a_thumbnail_that_is_gone(reported: "Scenario") -> None:
    before = text_of(reported, "report.html").count("data:image/webp")
    reported.store.delete(reported.rows(THUMBNAILS)[0]["thumbnail_path"])
    write(reported)
    assert 0 < text_of(reported, "report.html").count("data:image/webp") < before


def test_every_accepted_image_is_a_line_of_the_results(reported: "Scenario") -> None:
    rows = list(csv.DictReader(io.StringIO(text_of(reported, "report.csv"))))
    assert {row["raw_name"] for row in rows} == {"hat.jpg", "shoe.jpg"}


def test_a_spreadsheet_does_not_take_a_users_words_for_a_formula(reported: "Scenario") -> None:
    rows = list(csv.DictReader(io.StringIO(text_of(reported, "report.csv"))))
    assert {row["label"] for row in rows} == {"hat", f"'{FORMULA}"}


def test_the_summary_counts_what_came_and_what_was_refused(reported: "Scenario") -> None:
    summary = json.loads(text_of(reported, "report.json"))
    assert {name: count for name, count in summary["outcome"].items() if count} == {
        "seen": 3,
        "accepted": 2,
        "gold": 2,
        "rejected": 1,
    }
    assert summary["reason"] == {"not_an_image": 1}


def test_every_accepted_image_is_listed_under_a_category(reported: "Scenario") -> None:
    rows = list(csv.DictReader(io.StringIO(text_of(reported, "by_category.csv"))))
    assert len(rows) == 2
    assert all(row["category"] for row in rows)


def test_the_page_shows_the_rejected_file(reported: "Scenario") -> None:
    page = text_of(reported, "report.html")
    assert "not_an_image" in page
    assert "note.jpg" in page


def test_a_report_that_would_be_the_same_is_not_written_again(reported: "Scenario") -> None:
    before = reported.files()
    assert not write(reported).is_changed
    assert reported.files() == before


def test_a_day_without_images_has_a_report(scenario: "Scenario") -> None:
    scenario.run()
    assert write(scenario).is_changed
    assert "None." in text_of(scenario, "report.html")


def test_links_of_a_former_category_are_removed(reported: "Scenario") -> None:
    stale = reported.root / report_key(reported.day, f"{TREE}/former/x.jpg")
    stale.parent.mkdir(parents=True)
    stale.symlink_to("nowhere")
    link_by_category(reported.tables, reported.day)
    assert not stale.is_symlink()
