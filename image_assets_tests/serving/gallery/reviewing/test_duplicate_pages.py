"""Duplicates in a browser: side by side, decided by keys or buttons, and taken back."""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

import polars as pl
from playwright.sync_api import Page, expect

from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.steps.duplicates.pair_decisions import PairWord, read_pair_decisions, read_pair_words
from image_assets.tables.duplicates import DUPLICATE_IMAGES
from image_assets_tests.serving.gallery.reviewing.conftest import DAY

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Served

Sit = Callable[..., Page]


def said(served: "Served") -> list[PairWord]:
    return read_pair_words(LocalObjectStore(served.lake.root))


def wait_until_sent(page: Page) -> None:
    expect(page.locator("#unsent")).to_have_text("All sent", timeout=30_000)


def test_a_group_shows_what_differs_and_why_one_is_suggested(asked: "Served", sit_down: Sit) -> None:
    page = sit_down(asked, "ann", "/duplicates")
    groups = page.locator(".group")
    assert sorted(each.locator(".picture").count() for each in groups.all()) == [2, 3]
    three = groups.filter(has_text="3 images")
    expect(three).to_contain_text("it has the most pixels")
    assert three.locator(".differs").filter(has_text="×").all_text_contents() != []  # noqa: RUF001
    sizes = [each.bounding_box() for each in three.locator("figure").all()]
    assert len({(round(each["width"]), round(each["height"])) for each in sizes if each}) == 1


def test_keys_keep_part_and_take_back(asked: "Served", sit_down: Sit) -> None:
    page = sit_down(asked, "ann", "/duplicates")
    group = page.locator(".group.current")
    images = [each.get_attribute("value") for each in group.locator("[name=chosen]").all()]
    page.keyboard.press("2")
    page.keyboard.press("k")
    wait_until_sent(page)
    words = said(asked)
    assert {(word.verdict, word.keeper_id, word.decided_by) for word in words} == {("same", images[1], "ann")}
    assert len(words) == len(images) - 1
    others = [each.get_attribute("value") for each in page.locator(".group.current [name=chosen]").all()]
    assert others != images
    page.keyboard.press("2")
    page.keyboard.press("n")
    wait_until_sent(page)
    assert [{word.first_id, word.second_id} for word in said(asked) if word.verdict == "different"] == [{*others[:2]}]
    page.keyboard.press("u")
    wait_until_sent(page)
    assert {word.verdict for word in said(asked)} == {"same"}
    page.reload()
    page.keyboard.press("u")
    wait_until_sent(page)
    assert said(asked) == []
    assert read_pair_decisions(LocalObjectStore(asked.lake.root), date.max) == []


def test_a_group_that_is_taken_back_from_an_earlier_page_waits_again(asked: "Served", sit_down: Sit) -> None:
    page = sit_down(asked, "ann", "/duplicates")
    waiting = page.locator("#waiting")
    page.keyboard.press("m")
    expect(waiting).to_have_text("1")
    wait_until_sent(page)
    page.reload()
    expect(waiting).to_have_text("1")
    page.keyboard.press("m")
    expect(waiting).to_have_text("0")
    for left in ("1", "2"):
        page.keyboard.press("u")
        expect(waiting).to_have_text(left)
    wait_until_sent(page)
    expect(waiting).to_have_text("2")


def test_pictures_of_a_group_are_enlarged_together(asked: "Served", sit_down: Sit) -> None:
    page = sit_down(asked, "ann", "/duplicates")
    page.keyboard.press("z")
    pictures = page.locator(".group.current img")
    box = page.locator(".group.current figure").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    looks = pictures.evaluate_all(
        "all => all.map((each) => [each.style.transformOrigin, getComputedStyle(each).transform])"
    )
    assert len({tuple(each) for each in looks}) == 1
    assert looks[0][0].startswith("25")
    assert "2.5" in looks[0][1]


def test_what_is_said_without_a_connection_is_kept_and_sent_later(asked: "Served", sit_down: Sit) -> None:
    page = sit_down(asked, "ann", "/duplicates")
    page.context.set_offline(True)
    page.keyboard.press("m")
    page.keyboard.press("n")
    expect(page.locator("#unsent")).to_contain_text("2 unsent")
    page.context.set_offline(False)
    wait_until_sent(page)
    assert {word.verdict for word in said(asked)} == {"same", "different"}
    page.goto("/duplicates")
    expect(page.get_by_role("heading", name="No duplicates wait")).to_be_visible()


def test_without_a_script_a_group_has_its_form(asked: "Served", sit_down: Sit) -> None:
    page = sit_down(asked, "ann", "/duplicates", java_script_enabled=False)
    page.get_by_role("button", name="Not a duplicate").first.click()
    page.wait_for_url("**/duplicates")
    expect(page.locator(".group")).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".group")).to_have_count(2)
    page.get_by_role("link", name="Show decided ones too").click()
    page.get_by_role("button", name="Keep the chosen one").first.click()
    expect(page.locator(".word").first).to_contain_text(f"ann: same; counts once {DAY} has run again")


def test_a_decision_that_says_nothing_any_more_is_told(asked: "Served", sit_down: Sit) -> None:
    page = sit_down(asked, "ann", "/duplicates")
    page.keyboard.press("m")
    wait_until_sent(page)
    rows = asked.lake.tables.read(DUPLICATE_IMAGES, DAY)
    gone = said(asked)[0].second_id
    asked.lake.tables.replace(DUPLICATE_IMAGES, DAY, rows.filter(pl.col("image_id") != gone))
    page.reload()
    expect(page.locator("details.notice")).to_contain_text("does not apply any more")
