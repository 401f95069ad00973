"""Rejected files as a person goes through them: by reason and page, and what becomes of them next."""

import struct
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from image_assets.errors import DecisionError, UnknownImageError
from image_assets.steps.images.acceptances import accept_files
from image_assets.steps.increment.retries import forget_rejections_of_items
from image_assets.steps.questions.rejected_page import RejectedChoice, RejectedFiles, RejectedRow

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

EVERYTHING = RejectedChoice()


@pytest.fixture
def refused(scenario: "Scenario", paint: Callable[..., bytes]) -> "Scenario":
    """Two files that are no pictures, one that is empty, one that is too small, and a good one."""
    scenario.land("anna/good.png", paint(kind="PNG"))
    scenario.land("anna/one.jpg", b"no picture" * 100)
    scenario.land("anna/two.jpg", b"none either")
    scenario.land("anna/empty.jpg", b"")
    scenario.land("anna/small.png", paint("green", (3, 2), "PNG"))
    scenario.run()
    return scenario


def row_of(scenario: "Scenario", name: str) -> RejectedRow:
    rows = RejectedFiles(scenario.tables).page(EVERYTHING, 60).rows
    return next(each for each in rows if each.facts["source_uri"].endswith(name))


def test_files_are_counted_by_reason_whatever_reason_is_asked_for(refused: "Scenario") -> None:
    page = RejectedFiles(refused.tables).page(RejectedChoice("empty"), 60)
    assert [each.facts["reason"] for each in page.rows] == ["empty"]
    assert page.by_reason == {"empty": 1, "not_an_image": 2, "too_small": 1}


def test_pages_follow_each_other(refused: "Scenario") -> None:
    files, seen, after = RejectedFiles(refused.tables), [], ""
    for _ in range(4):
        page = files.page(EVERYTHING, 1, after)
        seen += [each.rejection_id for each in page.rows]
        after = page.mark
    assert page.is_last
    assert len(set(seen)) == 4


def test_what_the_file_begins_with_is_shown_while_it_is_there(refused: "Scenario") -> None:
    assert row_of(refused, "one.jpg").first_bytes == (b"no picture" * 100)[:256]
    refused.path("anna/one.jpg").unlink()
    assert row_of(refused, "one.jpg").first_bytes is None


def test_a_retried_file_waits_for_the_run_and_is_tried_by_it(refused: "Scenario") -> None:
    row = row_of(refused, "one.jpg")
    assert not row.is_waiting
    assert forget_rejections_of_items(refused.tables, refused.day, [row.facts["item"]]) == 1
    assert row_of(refused, "one.jpg").is_waiting
    assert not row_of(refused, "two.jpg").is_waiting
    assert refused.take_in().newly_rejected == 1
    assert not row_of(refused, "one.jpg").is_waiting


def test_an_accepted_file_waits_and_only_what_a_limit_refused_can_be_accepted(refused: "Scenario") -> None:
    small = row_of(refused, "small.png")
    assert (small.can_be_accepted, row_of(refused, "one.jpg").can_be_accepted) == (True, False)
    later = datetime.now(UTC) + timedelta(minutes=1)
    accept_files(refused.store, {small.file: "too_small"}, "ann", "", later)
    assert row_of(refused, "small.png").is_waiting
    refused.run()
    rows = RejectedFiles(refused.tables).page(EVERYTHING, 60).rows
    assert not [each for each in rows if each.facts["reason"] == "too_small"]


def test_what_is_too_large_to_be_decoded_by_anybody_cannot_be_accepted(scenario: "Scenario") -> None:
    size = struct.pack(">IIBBBBB", 20_000, 9_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", size), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    crcs = (struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks)
    parts = (struct.pack(">I", len(data)) + name + data for name, data in chunks)
    scenario.land("anna/bomb.png", b"\x89PNG\r\n\x1a\n" + b"".join(map(bytes.__add__, parts, crcs)))
    scenario.run()
    bomb = row_of(scenario, "bomb.png")
    assert (bomb.facts["reason"], bomb.can_be_accepted) == ("too_many_pixels", False)
    with pytest.raises(DecisionError, match="more than can be decoded safely"):
        accept_files(scenario.store, {bomb.file: "too_many_pixels"}, "ann", "", datetime.now(UTC))


def test_an_id_that_no_file_has_is_named(refused: "Scenario") -> None:
    with pytest.raises(UnknownImageError, match="no rejected file ffff"):
        RejectedFiles(refused.tables).named(["f" * 16])
