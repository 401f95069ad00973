"""One image: what is known of it, its place in its list, its copies laid over each other, and its end."""

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from image_assets.steps.images.uploads import UploadFacts, add_upload
from image_assets_tests.serving.conftest import DAYS, drawn_photo

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served

NEXT = re.compile(r'href="(/images/[^"]+)" rel="next"')
HTML = {"Accept": "text/html"}


def show(served: "Served", path: str, key: str = "admin") -> str:
    answer = served.ask(path, key, headers=HTML)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_next_leads_through_the_whole_list_that_the_image_was_opened_from(served: "Served") -> None:
    listed = re.findall(r'class="tile" href="([^"]+)"', show(served, "/?sort=least_sure&all_duplicates=true"))
    seen, path = [], listed[0].replace("&amp;", "&")
    while path:
        html = show(served, path)
        seen.append(path.split("/")[2].split("?")[0])
        assert f"{len(seen)} of {len(listed)}" in html
        following = NEXT.search(html)
        path = following.group(1).replace("&amp;", "&") if following else ""
    assert seen == [each.split("/")[2].split("?")[0] for each in listed]


def test_an_image_outside_of_its_list_is_shown_without_a_place(served: "Served") -> None:
    html = show(served, f"/images/{served.lake.ids_of('anna')[0]}?label=shirt")
    assert 'rel="next"' not in html


def test_a_rejected_file_says_in_words_why_it_is_no_image(served: "Served") -> None:
    rows = served.lake.tables.scan_files(["tables/rejected_images/2026-03-15.parquet"], ["image_id"])
    html = show(served, f"/images/{rows.item()}", "bo")
    assert "Refused: it cannot become an image." in html
    assert "not_an_image" in html


def test_the_page_says_who_said_what_and_where_it_came_from(served: "Served") -> None:
    html = show(served, f"/images/{served.lake.ids_of('anna')[0]}")
    for told in ("What it was taken for", "zero-shot-", "Where it came from", "gold_images", "Images like this"):
        assert told in html


def test_a_picture_is_zoomed_by_keys_and_moved(served: "Served", open_page: Callable[..., Page]) -> None:
    page = open_page(served.url, key=served.lake.keys["admin"])
    page.goto(f"/images/{served.lake.ids_of('anna')[0]}")
    frame = page.get_by_role("link", name="The picture in full")
    frame.focus()
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    shape = "each => new DOMMatrix(getComputedStyle(each).transform).toFloat64Array().join(' ')"
    zoomed = [float(each) for each in frame.locator("img").evaluate(shape).split()]
    assert zoomed[0] == 1.25
    assert zoomed[12] < -60
    page.keyboard.press("0")
    assert frame.locator("img").evaluate(shape).split()[0] == "1"


def test_an_image_is_erased_when_the_word_is_typed_and_by_admins_alone(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], open_page: Callable[..., Page]
) -> None:
    served = serve_lake(own_lake)
    image_id = own_lake.ids_of("bo")[0]
    assert "Erase this image" not in show(served, f"/images/{image_id}", "review")
    page = open_page(served.url, key=own_lake.keys["admin"])
    page.goto(f"/images/{image_id}")
    page.get_by_text("Erase this image").click()
    page.get_by_label("Reason").fill("ticket 7")
    page.get_by_label("Type").fill("yes")
    page.get_by_label("Type").evaluate("each => each.removeAttribute('pattern')")
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_text("Nothing was erased: type the word erase")).to_be_visible()
    page.go_back()
    page.get_by_text("Erase this image").click()
    page.get_by_label("Reason").fill("ticket 7")
    page.get_by_label("Type").fill("erase")
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_role("heading", name="1 image was erased")).to_be_visible()
    assert served.ask(f"/v1/images/{image_id}", "admin").status_code == 410


@pytest.mark.parametrize(("zone", "local"), [("Asia/Kolkata", ", 14:30 here"), ("UTC", "")])
def test_a_time_is_told_in_utc_and_where_the_reader_is(
    served: "Served", open_page: Callable[..., Page], zone: str, local: str
) -> None:
    page = open_page(served.url, key=served.lake.keys["admin"], timezone_id=zone)
    page.goto(f"/images/{served.lake.ids_of('bo')[0]}")
    expect(page.locator("dl.facts time").first).to_have_text(f"{DAYS[0]} 09:00 UTC{local}")


def test_who_has_erased_an_image_goes_on_in_the_list_where_it_was(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], open_page: Callable[..., Page]
) -> None:
    served = serve_lake(own_lake)
    page = open_page(served.url, key=own_lake.keys["admin"])
    page.goto("/?user=anna")
    tiles = page.locator("a.tile")
    first, _, third = [each.get_attribute("href") for each in tiles.all()]
    tiles.nth(1).click()
    page.get_by_text("Erase this image").click()
    page.get_by_label("Reason").fill("ticket 7")
    page.get_by_label("Type").fill("erase")
    page.get_by_role("button", name="Erase for good").click()
    page.get_by_role("link", name="Back to the list").click()
    assert [each.get_attribute("href") for each in tiles.all()] == [third]
    page.get_by_role("link", name="Previous").click()
    assert [each.get_attribute("href") for each in tiles.all()] == [first, third]


@pytest.mark.parametrize(
    "listed", ["//elsewhere.example", "https://elsewhere.example/?user=anna", "next=//elsewhere.example", "sort=none"]
)
def test_nobody_is_led_elsewhere_after_an_erasure(served: "Served", listed: str) -> None:
    told = served.ask("/selection/done", "admin", params={"what": "erased", "count": 1, "listed": listed}).text
    assert '<a class="button" href="/">To the images</a>' in told
    assert "elsewhere" not in told


@pytest.fixture(scope="module")
def copied(copy_lake: Callable[[], "Lake"], serve_for_module: Callable[..., "Served"]) -> "Served":
    """With one more image: bo's copy of anna's red.jpg."""
    lake, day = copy_lake(), DAYS[1]
    facts = UploadFacts(day, "bo", "red again.jpg", datetime(day.year, day.month, day.day, 10, tzinfo=UTC))
    file = io.BytesIO()
    Image.open(io.BytesIO(drawn_photo("red", 1))).save(file, "JPEG", quality=60)
    add_upload(lake.tables.store, facts, file.getvalue())
    done = lake.command("run", "--from", str(day), "--to", str(day))
    assert done.returncode in {0, 2}, done.stderr
    return serve_for_module(lake)


def test_a_copy_lies_over_the_first_to_be_wiped_and_blinked(copied: "Served", open_page: Callable[..., Page]) -> None:
    image_id = copied.lake.ids_of("bo")[2]
    page = open_page(copied.url, key=copied.lake.keys["admin"])
    page.goto(f"/images/{image_id}")
    page.get_by_role("link", name="Lay over each other").first.click()
    expect(page.get_by_text("the same picture")).to_be_visible()
    edge = page.locator("#edge")
    page.get_by_label("Wipe").fill("80")
    expect(edge).to_have_attribute("width", "0.8")
    page.get_by_role("button", name="Blink").click()
    expect(edge).to_have_attribute("width", re.compile("^[01]$"))
    page.get_by_role("button", name="Blink").click()
    expect(edge).to_have_attribute("width", "0.8")


def test_a_copy_of_somebody_else_does_not_exist_for_who_only_uploads(copied: "Served") -> None:
    red = copied.lake.ids_of("anna")[1]
    assert "The same photo" in show(copied, f"/images/{red}", "read")
    assert "The same photo" not in show(copied, f"/images/{red}", "anna")
    assert "the only one of its photo" in show(copied, f"/images/{red}/overlay", "anna")
