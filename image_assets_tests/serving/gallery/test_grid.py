"""The grid: what is chosen is shown and counted, all of it stands in the address, and nobody sees too much."""

import re
from collections.abc import Callable
from html import unescape
from typing import TYPE_CHECKING

import httpx
import polars as pl
import pytest
from playwright.sync_api import Page, expect

from image_assets.lake.object_keys import table_key
from image_assets_tests.serving.conftest import DAYS, drawn_photo
from image_assets_tests.serving.gallery.conftest import NARROW, wait_until

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served

EVERY = {"all_duplicates": "true"}
CHOICE = re.compile(r'name="(\w+)" value="([^"]*)"[^>]*form="ask"[^>]*><bdi>.*?</bdi><span>(\d+)</span>')
TILE = re.compile(r'class="tile" href="/images/([0-9a-f-]{36})')
HOSTILE = "<img src=x onerror=alert(1)>\u202e" + "long " * 2_000 + "'\"><script>alert(2)</script>"


def show(served: "Served", path: str = "/", key: str = "admin", **params: str | list[str]) -> str:
    answer = served.ask(path, key, params=params or None, headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text
    return answer.text


def total(html: str) -> int:
    found = re.search(r'id="total">([\d,]+)<', html)
    assert found
    return int(found.group(1).replace(",", ""))


def test_a_facet_counts_what_a_click_on_it_shows(served: "Served") -> None:
    choices = [(name, unescape(value), int(images)) for name, value, images in CHOICE.findall(show(served, **EVERY))]
    assert {name for name, *_ in choices} >= {"label", "predicted_label", "colour", "user", "day", "state", "policy"}
    for name, value, images in choices:
        assert total(show(served, **EVERY, **{name: value})) == images, (name, value)


def test_values_of_one_facet_are_or_and_facets_together_are_and(served: "Served") -> None:
    both = total(show(served, **EVERY, label=["dress", "hat"]))
    assert both == total(show(served, **EVERY, label="dress")) + total(show(served, **EVERY, label="hat"))
    assert total(show(served, **EVERY, label=["dress", "hat"], day=DAYS[0].isoformat())) == 1


def test_where_nothing_is_found_it_is_said_what_to_leave_out(served: "Served") -> None:
    html = show(served, label="dress", day=DAYS[1].isoformat())
    assert total(html) == 0
    assert re.search(r'value="dress"[^>]*checked><bdi>dress</bdi><span>0<', html), "what is chosen stays"
    ways = re.findall(r'href="([^"]+)">without [^<]*<b>(\d+)</b>', html)
    assert len(ways) == 2
    for address, images in ways:
        assert total(show(served, unescape(address))) == int(images)


def test_hits_show_their_score_and_a_threshold_leaves_out_what_is_below(served: "Served") -> None:
    html = show(served, text="red", **EVERY)
    scores = [float(each) for each in re.findall(r'class="note">(-?\d\.\d\d)<', html)]
    assert len(scores) == total(html) == 5
    middle = sorted(scores)[2]
    above = show(served, text="red", min_score=f"{middle - 0.005:.3f}", sort="most_alike", **EVERY)
    assert total(above) == sum(each >= middle for each in scores)


def test_a_word_that_the_encoder_does_not_know_is_said_to_be_unknown(served: "Served") -> None:
    told = show(served, text="red zyxwv")
    assert "The encoder knows no <b><bdi>“zyxwv”</bdi></b>; showing nearest to <b><bdi>“red”</bdi></b>" in told


def test_where_no_word_is_known_nothing_is_shown_by_looks(served: "Served") -> None:
    html = show(served, text="zyxwv", **EVERY)
    assert "nothing to show by looks" in html
    assert total(html) == 0


def test_every_order_has_the_same_images(served: "Served") -> None:
    orders = {
        sort: TILE.findall(show(served, text="red", sort=sort))
        for sort in ("best", "most_alike", "newest", "least_sure")
    }
    assert {tuple(sorted(each)) for each in orders.values()} == {tuple(sorted(orders["best"]))}
    assert orders["newest"] == TILE.findall(show(served))
    assert orders["least_sure"] == TILE.findall(show(served, sort="least_sure"))


def test_a_picture_becomes_an_address_and_is_kept_nowhere(served: "Served") -> None:
    before = {each for each in served.lake.root.rglob("*") if each.is_file() and "audit" not in each.parts}
    photo = drawn_photo("red", 1)
    answer = served.ask("/", "anna", "POST", files={"file": ("mine.jpg", photo)}, follow_redirects=False)
    assert answer.status_code == 303
    found = TILE.findall(show(served, answer.headers["location"], "anna"))
    assert found[0] == served.lake.ids_of("anna")[1], "red.jpg"
    assert {each for each in served.lake.root.rglob("*") if each.is_file() and "audit" not in each.parts} <= before
    assert "another encoder" in served.ask("/?picture=00000000.AAAA", "admin").text


def test_what_is_no_picture_cannot_be_searched_with(served: "Served") -> None:
    answer = served.ask("/", "admin", "POST", files={"file": ("note.jpg", b"no picture")})
    assert (answer.status_code, answer.json()["reason"]) == (422, "not_an_image")


def test_who_only_uploads_sees_the_own_images_alone_on_every_page(served: "Served") -> None:
    anna, bo = served.lake.ids_of("anna"), served.lake.ids_of("bo")
    assert sorted(TILE.findall(show(served, key="anna"))) == sorted(anna)
    assert 'value="shirt"' not in show(served, "/filters", "anna"), "a label of bo's"
    for path in (f"/images/{bo[0]}", f"/images/{bo[0]}/overlay"):
        assert served.ask(path, "anna").status_code == 404
    page = show(served, f"/images/{anna[0]}", "anna")
    assert not any(each in page for each in bo)


def test_who_may_read_sees_no_names_and_no_owners(served: "Served") -> None:
    pages = [show(served, key="read"), *(show(served, f"/images/{each}", "read") for each in served.lake.ids_of("bo"))]
    for page in pages:
        assert not re.search(r"\bbo\b|\banna\b|yellow\.jpg|grey\.jpg", page.split("<main", 1)[1])
    assert served.ask("/?user=bo", "read").status_code == 422


def test_all_that_narrows_the_grid_works_without_scripts(served: "Served", open_page: Callable[..., Page]) -> None:
    page = open_page(served.url, key=served.lake.keys["admin"], java_script_enabled=False)
    page.goto("/")
    page.get_by_role("checkbox", name="dress").first.check()
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#total")).to_have_text("1")
    page.get_by_role("link", name="Leave out: Label dress").click()
    page.get_by_label("Find images by words").fill("red")
    page.get_by_role("button", name="Search").first.click()
    expect(page.locator("output")).to_have_text(re.compile("^5 of 5 above"))


def test_back_comes_to_the_same_place_and_the_same_image(served: "Served", open_page: Callable[..., Page]) -> None:
    page = open_page(served.url, key=served.lake.keys["admin"], width=NARROW)
    page.goto("/?all_duplicates=true")
    page.set_viewport_size({"width": NARROW, "height": 400})
    tile = page.locator("a.tile").nth(3)
    tile.scroll_into_view_if_needed()
    page.mouse.wheel(0, 40)
    page.wait_for_timeout(300)
    place, address = page.evaluate("scrollY"), tile.get_attribute("href")
    assert place > 100
    tile.click()
    page.wait_for_url("**/images/**")
    page.go_back()
    wait_until(page, "place => Math.abs(scrollY - place) <= 1", place)
    wait_until(page, "address => document.activeElement.getAttribute('href') === address", address)


def test_a_filter_applies_at_once_and_the_threshold_counts_while_it_moves(
    served: "Served", open_page: Callable[..., Page]
) -> None:
    page = open_page(served.url, key=served.lake.keys["admin"])
    page.goto("/?text=red&all_duplicates=true")
    slider = page.get_by_label("Likeness at least")
    slider.evaluate("each => { each.value = each.max; each.dispatchEvent(new Event('input')); }")
    told = page.locator("output").inner_text()
    assert told.startswith("1 of 5 above")
    slider.dispatch_event("change")
    page.wait_for_url("**min_score=**")
    expect(page.locator("#total")).to_have_text("1")
    expect(page.locator("output")).to_have_text(told)
    page.get_by_label("Find images by words").fill("")
    page.get_by_role("checkbox", name="hat").first.check()
    page.wait_for_url("**label=hat**")
    expect(page.locator("#total")).to_have_text("1")


def test_a_pasted_picture_is_searched_with(served: "Served", open_page: Callable[..., Page]) -> None:
    page = open_page(served.url, key=served.lake.keys["admin"])
    page.goto("/")
    page.evaluate(
        """async data => {
            const held = new DataTransfer();
            held.items.add(new File([new Uint8Array(data)], "pasted.jpg", {type: "image/jpeg"}));
            document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: held, bubbles: true}));
        }""",
        list(drawn_photo("green", 3)),
    )
    page.wait_for_url("**picture=**")
    expect(page.locator("a.tile").first).to_have_attribute("href", re.compile(served.lake.ids_of("anna")[2]))
    page.locator("a.tile").first.click()
    page.wait_for_url("**/images/**picture=**")
    expect(page.get_by_label("List")).to_contain_text("1 of 5")


def test_nothing_moves_while_the_page_loads(served: "Served", open_page: Callable[..., Page]) -> None:
    page = open_page(served.url, key=served.lake.keys["admin"])
    page.add_init_script(
        """window.moved = 0;
        new PerformanceObserver(list => { for (const each of list.getEntries()) window.moved += each.value; })
            .observe({type: "layout-shift", buffered: true});"""
    )
    page.goto("/?text=red", wait_until="networkidle")
    assert page.evaluate("moved") <= 0.02


def test_texts_of_users_are_shown_and_do_nothing(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], open_page: Callable[..., Page]
) -> None:
    for day in DAYS:
        place = own_lake.root / table_key("gold_images", day)
        rows = pl.read_parquet(place)
        texts = {name: pl.lit(HOSTILE) for name in ("caption", "label", "raw_name", "predicted_label")}
        rows.with_columns(**texts, tags=pl.lit([HOSTILE], dtype=rows.schema["tags"])).write_parquet(place)
    served = serve_lake(own_lake)
    page = open_page(served.url, width=NARROW, key=own_lake.keys["admin"])
    page.on("dialog", lambda _: pytest.fail("a text of a user was run"))
    image_id = own_lake.ids_of("anna")[0]
    for path in ("/", "/#filters", "/filters?facet=label", f"/images/{image_id}", "/selection?every=true"):
        page.goto(path)
        expect(page.locator("h1")).to_be_attached()
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW, path
    answer = httpx.get(f"{served.url}/", headers={"Authorization": f"Bearer {own_lake.keys['admin']}"})
    assert "<script>alert" not in answer.text
    assert "\u202e" not in answer.text
