"""Rejected files in a browser: every decision says what the next run does, and what is erased is gone."""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from image_assets.steps.images.acceptances import read_acceptances
from image_assets.steps.images.uploads import UploadFacts, add_upload
from image_assets_tests.serving.conftest import DAYS

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served

HOSTILE = "</h2><script>alert(1)</script>\u202e.jpg"
NOTE = "note.jpg"


@pytest.fixture(scope="module")
def rejecting_lake(copy_lake: Callable[[], "Lake"]) -> "Lake":
    """With a picture that only a limit stands against, too."""
    lake = copy_lake()
    at = datetime(DAYS[0].year, DAYS[0].month, DAYS[0].day, 9, tzinfo=UTC)
    add_upload(lake.tables.store, UploadFacts(DAYS[0], "bo", HOSTILE, at), strip())
    assert lake.command("run", "--day", str(DAYS[0])).returncode == 2
    return lake


@pytest.fixture(scope="module")
def rejecting(rejecting_lake: "Lake", serve_for_module: Callable[..., "Served"]) -> "Served":
    """The lake, served."""
    return serve_for_module(rejecting_lake)


def test_a_file_is_shown_with_what_it_is_and_why_it_is_no_image(
    rejecting: "Served", open_page: Callable[..., Page]
) -> None:
    page = open_page(rejecting.url, key=rejecting.lake.keys["review"])
    page.goto("/rejected")
    expect(page.get_by_role("navigation", name="Reason")).to_contain_text("bad aspect 1")
    note = page.locator("article", has_text=NOTE)
    note.locator("summary").click()
    expect(note.locator("pre")).to_contain_text("6e 6f 74 20 61 20")
    expect(note.locator("pre")).to_contain_text("not a picture at")
    expect(note.get_by_role("button", name="Take it all the same")).to_have_count(0)
    expect(note.get_by_text("landing/")).to_have_count(0)
    expect(note.get_by_role("link", name="Download")).to_have_count(0)
    page.get_by_role("link", name="bad aspect 1").click()
    expect(page.locator("article")).to_have_count(1)
    expect(page.get_by_role("heading", level=2)).to_have_text(HOSTILE.replace("\u202e", "\N{REPLACEMENT CHARACTER}"))


def test_what_can_be_decoded_is_shown_and_taken_all_the_same(
    rejecting: "Served", open_page: Callable[..., Page]
) -> None:
    page = open_page(rejecting.url, key=rejecting.lake.keys["review"], java_script_enabled=False)
    page.goto("/rejected?reason=bad_aspect")
    source = page.locator("img.seen").get_attribute("src")
    seen = rejecting.ask(str(source), "review")
    assert seen.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(seen.content)).size[0] == 320
    page.get_by_role("button", name="Take it all the same").click()
    expect(page.locator(".notice")).to_contain_text(f"Waits for the next run of {DAYS[0]}, which tries it again")
    assert page.url.endswith("/rejected?reason=bad_aspect&state=open")
    assert [each.is_accepted for each in read_acceptances(rejecting.lake.tables.store).values()] == [True]


def test_junk_is_set_aside_and_taken_back(rejecting: "Served", open_page: Callable[..., Page]) -> None:
    page = open_page(rejecting.url, key=rejecting.lake.keys["review"], java_script_enabled=False)
    page.goto("/rejected?reason=not_an_image")
    page.get_by_role("button", name="Dismiss as junk").click()
    expect(page.locator(".notice")).to_contain_text(f"next run of {DAYS[1]}, which sets it aside")
    page.get_by_role("button", name="It is no junk").click()
    expect(page.locator(".notice")).to_have_count(0)


def test_all_of_a_reason_are_tried_again_when_their_count_is_repeated(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], open_page: Callable[..., Page]
) -> None:
    page = open_page(serve_lake(own_lake).url, key=own_lake.keys["review"], java_script_enabled=False)
    page.goto("/rejected?reason=not_an_image")
    page.locator("input.count").fill("7")
    page.get_by_role("button", name="Retry all").click()
    expect(page.locator(".lead")).to_contain_text("1 files are not_an_image, not 7")
    page.goto("/rejected?reason=not_an_image")
    page.locator("input.count").fill("1")
    page.get_by_role("button", name="Retry all").click()
    expect(page.locator(".notice")).to_contain_text("tries it again")


def test_an_admin_saves_a_file_and_erases_it_with_the_word(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], open_page: Callable[..., Page]
) -> None:
    page = open_page(serve_lake(own_lake).url, key=own_lake.keys["admin"])
    page.goto("/rejected")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.path().read_bytes() == b"not a picture at all"
    page.get_by_text("Erase…").click()
    page.get_by_label("Why").fill("ticket 7")
    page.get_by_label("Write the word erase").fill("erase")
    page.get_by_role("button", name="Erase for good").click()
    expect(page.locator(".empty")).to_be_visible()
    assert not [info.key for info in own_lake.tables.store.list("landing") if "note" in info.key]


def strip() -> bytes:
    """A picture too long for the limits."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((4_000, 40)).convert("RGB").save(file, "JPEG")
    return file.getvalue()
