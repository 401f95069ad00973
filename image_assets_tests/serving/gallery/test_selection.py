"""Several images at once: nothing happens to any that the page has not told of."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import Page, expect

from image_assets.steps.classification.opinions import read_opinions

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served


@pytest.fixture
def served_own(own_lake: "Lake", serve_lake: Callable[..., "Served"]) -> "Served":
    return serve_lake(own_lake)


@pytest.fixture
def admin(served_own: "Served") -> Iterator[httpx.Client]:
    """A browser without a window, in which an admin has signed in."""
    with httpx.Client(base_url=served_own.url, headers={"Accept": "text/html"}, timeout=60) as client:
        client.post("/sign-in", data={"key": served_own.lake.keys["admin"], "next": "/"})
        yield client


def fields(client: httpx.Client, path: str, act: str) -> dict[str, str]:
    """What a form of the page sends besides what is filled in."""
    form = client.get(path).text.split(f'action="/selection/{act}"')[1].split("</form>")[0]
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)}


def test_with_shift_all_up_to_the_last_one_are_chosen_and_labelled(
    served_own: "Served", open_page: Callable[..., Page]
) -> None:
    page = open_page(served_own.url, key=served_own.lake.keys["review"])
    page.goto("/")
    picks = page.locator("input.pick")
    picks.nth(0).click()
    picks.nth(2).click(modifiers=["Shift"])
    page.get_by_role("button", name="Label the selected 3").click()
    expect(page.get_by_role("heading", name="3 images")).to_be_visible()
    expect(page.get_by_text("Erase them")).to_have_count(0)
    page.get_by_label("Label").fill("Rain Coat")
    page.get_by_role("button", name="Label 3 images").click()
    expect(page.get_by_role("heading", name="3 images were labelled")).to_be_visible()
    words = read_opinions(served_own.lake.tables.store)
    assert {(each.label, each.decided_by) for each in words} == {("rain coat", "reviewer")}
    assert len(words) == 3


def test_all_that_match_are_labelled_once_however_often_it_is_sent(served_own: "Served", admin: httpx.Client) -> None:
    form = fields(admin, "/selection?every=true&user=anna&all_duplicates=true", "label") | {"label": "coat"}
    for _ in range(2):
        assert admin.post("/selection/label", data=form).status_code == 303
    words = read_opinions(served_own.lake.tables.store)
    assert sorted(each.image_id for each in words) == sorted(served_own.lake.ids_of("anna"))


def test_another_number_than_the_page_has_told_stops_it(served_own: "Served", admin: httpx.Client) -> None:
    form = fields(admin, "/selection?every=true&user=anna", "label") | {"label": "coat", "count": "2"}
    answer = admin.post("/selection/label", data=form)
    assert answer.status_code == 409
    assert "3 images are meant by now, not 2" in answer.text
    assert not read_opinions(served_own.lake.tables.store)


@pytest.mark.parametrize("changed", [{"images": "x"}, {"listed": "page_size=7"}, {"listed": "min_score=x"}])
def test_what_is_no_selection_of_the_page_is_refused(admin: httpx.Client, changed: dict[str, str]) -> None:
    form = fields(admin, "/selection?every=true", "label") | {"label": "coat"} | changed
    assert admin.post("/selection/label", data=form).status_code == 422


def test_nothing_is_selected_where_there_is_nothing(empty: "Served") -> None:
    answer = httpx.get(f"{empty.url}/selection?every=true", headers={"Accept": "text/html"})
    assert (answer.status_code, "Nothing is selected" in answer.text) == (200, True)


def test_all_that_match_are_erased_when_the_word_is_typed(served_own: "Served", admin: httpx.Client) -> None:
    ids = served_own.lake.ids_of("bo")
    form = fields(admin, "/selection?every=true&user=bo", "erase") | {"reason": "ticket 8", "word": "yes"}
    assert admin.post("/selection/erase", data=form).status_code == 422
    assert served_own.ask(f"/v1/images/{ids[0]}", "admin").status_code == 200
    answer = admin.post("/selection/erase", data=form | {"word": "erase"})
    assert answer.headers["location"] == "/selection/done?what=erased&count=2"
    assert [served_own.ask(f"/v1/images/{each}", "admin").status_code for each in ids] == [410, 410]
