"""The page of a report: self-contained, and whatever users wrote is only text."""

import re
from dataclasses import replace
from datetime import date

import pytest

from image_assets.pages import Picture
from image_assets.steps.gold.report_page import Bars, ReportPage, Sheet, render_page

DAY = date(2026, 10, 1)
HOSTILE = "<script>alert('x')</script>"
EMPTY = ReportPage(
    day=DAY, headline={}, history=[], distributions=[], sheets=[], rejects=[], rejects_left_out=0, models={}
)


def test_a_day_without_anything_is_still_a_page() -> None:
    assert "Images of 2026-10-01" in render_page(EMPTY)


@pytest.mark.parametrize(
    "page",
    [
        replace(EMPTY, rejects=[("corrupt", "bronze_images", "open", HOSTILE, "no image")]),
        replace(EMPTY, distributions=[Bars("Label", {HOSTILE: 3})]),
        replace(EMPTY, sheets=[Sheet(HOSTILE, [Picture(b"x", "id", HOSTILE, 0.5)])]),
    ],
)
def test_markup_of_users_is_shown_as_text(page: ReportPage) -> None:
    assert HOSTILE not in render_page(page)
    assert "&lt;script&gt;" in render_page(page)


def test_control_characters_of_users_do_not_reach_the_page() -> None:
    label = "hat\x00\x1b[31m\x9b\N{RIGHT-TO-LEFT OVERRIDE}"
    bars, sheet = Bars("Label", {label: 3}), Sheet(label, [Picture(b"x", "id", label, 0.5)])
    rejects = [("empty", "door", "open", label, label)]
    page = render_page(replace(EMPTY, distributions=[bars], sheets=[sheet], rejects=rejects))
    assert {letter for letter in page if not letter.isprintable()} == {"\n"}
    assert "hat\N{REPLACEMENT CHARACTER}" in page


def test_pictures_lie_inside_the_page() -> None:
    page = render_page(replace(EMPTY, sheets=[Sheet("hat", [Picture(b"RIFF", "id", "hat", 0.987)])]))
    assert 'src="data:image/webp;base64,UklGRg=="' in page
    assert "99 %" in page


def test_the_page_asks_nothing_of_the_network() -> None:
    full = ReportPage(
        day=DAY,
        headline={"seen": 3},
        history=[(DAY, {"seen": 3})],
        distributions=[Bars("Label", {"hat": 3})],
        sheets=[Sheet("hat", [Picture(b"x", "id", "hat", 0.5)])],
        rejects=[("corrupt", "bronze_images", "open", "a.jpg", "no image")],
        rejects_left_out=1,
        models={"encoder": "builtin"},
    )
    addresses = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]*)""", render_page(full))
    assert [address[:5] for address in addresses] == ["data:"]
    assert "//" not in render_page(full)


def test_the_longest_bar_fills_the_width() -> None:
    page = render_page(replace(EMPTY, distributions=[Bars("Label", {"hat": 4, "shoe": 1})]))
    assert "width:100.0%" in page
    assert "width:25.0%" in page


def test_rejects_that_are_not_listed_are_counted() -> None:
    page = render_page(
        replace(EMPTY, rejects=[("empty", "bronze_images", "open", "a.jpg", "0 bytes")], rejects_left_out=7)
    )
    assert "and 7 more" in page
