"""Days in a browser: numbers, drift in words, and a report that can do nothing but be looked at."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect

from image_assets.ids import ObjectKey
from image_assets_tests.serving.conftest import DAYS, drawn_photo

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served


DOUBTFUL = re.compile("^[0-2]$")
"""How many of two drawn pictures the model is not sure of; it says nothing of days."""


def test_days_are_counted_and_lead_to_what_came_on_them(served: "Served", open_page: Callable[..., Page]) -> None:
    page = open_page(served.url, key=served.lake.keys["review"])
    page.goto("/days")
    row = page.get_by_role("row", name=str(DAYS[1]))
    expect(row.get_by_role("cell")).to_have_text(["3", "2", "1", "0", DOUBTFUL, "0", "\N{EN DASH}"])
    expect(page.get_by_role("img", name="Files that came: 3 a day")).to_be_visible()
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Sunday, {DAYS[1]}")
    expect(page.get_by_role("row", name="silver_images")).to_contain_text("UTC")
    expect(page.get_by_role("row", name="Brightness")).to_contain_text("too few images or days to tell")
    page.get_by_role("link", name="Its rejected files").click()
    expect(page.locator("article")).to_have_count(1)
    page.goto(f"/days/{DAYS[1]}")
    page.get_by_role("link", name="Its images").click()
    expect(page.locator(".tile")).to_have_count(2)


def test_days_before_one_are_a_page_of_their_own(served: "Served") -> None:
    page = served.ask(f"/days?before={DAYS[1]}", "read").text
    assert f"/days/{DAYS[0]}" in page
    assert f"/days/{DAYS[1]}" not in page
    assert "2\N{EN DASH}2 of 2 days" in page


def test_a_day_that_nothing_came_on_is_unknown(served: "Served") -> None:
    assert served.ask("/days/1999-01-01", "read").status_code == 404
    assert served.ask("/days/not-a-day", "read").status_code == 422


def test_who_only_uploads_is_not_told_of_others_days(served: "Served") -> None:
    assert served.ask("/days", "anna").status_code == 403


def test_a_report_runs_nothing_and_is_for_admins(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], open_page: Callable[..., Page]
) -> None:
    served = serve_lake(own_lake)
    page = open_page(served.url, key=own_lake.keys["admin"])
    page.goto(f"/days/{DAYS[0]}")
    page.get_by_role("link", name="Report").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Images of {DAYS[0]}")
    expect(page.locator("figure img").first).to_be_visible()
    assert served.ask(f"/days/{DAYS[0]}/report", "review").status_code == 403
    store = own_lake.tables.store
    store.write(ObjectKey(f"reports/{DAYS[0]}/report.html"), b"<h1>x</h1><script>alert(1)</script>")
    answer = served.ask(f"/days/{DAYS[0]}/report", "admin")
    policy = answer.headers["content-security-policy"]
    assert "sandbox" in policy
    assert "script" not in policy


def test_a_run_is_linked_where_dagster_is_known(own_lake: "Lake", serve_lake: Callable[..., "Served"]) -> None:
    page = serve_lake(own_lake, dagster_url="http://dagster:3000").ask(f"/days/{DAYS[0]}", "read").text
    assert f"http://dagster:3000/assets/daily_summary?view=events&amp;partition={DAYS[0]}" in page


def test_an_upload_of_today_waits_for_its_run(own_lake: "Lake", serve_lake: Callable[..., "Served"]) -> None:
    served = serve_lake(own_lake)
    sent = {"headers": {"Content-Type": "image/jpeg"}, "content": drawn_photo("navy", 6)}
    assert served.ask("/v1/uploads/new.jpg", "anna", "PUT", **sent).status_code == 202
    assert "waits for its run" in served.ask("/days", "read").text
