"""Reviewing in a browser: quick by keys, and nothing that a person decided is lost, whatever happens meanwhile."""

import statistics
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import polars as pl
from playwright.sync_api import Browser, Page, expect

from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.steps.classification.opinions import Kind, Opinion, read_opinions, standing_words
from image_assets.tables.gold import GOLD_IMAGES
from image_assets_tests.serving.gallery.reviewing.conftest import DAY

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Served

Sit = Callable[..., Page]
CURRENT = "#asked > li:not([hidden])"
_MEASURE = """
() => {
  window.waits = [];
  addEventListener("keydown", (event) => {
    const begun = event.timeStamp, before = document.querySelector("#asked > li:not([hidden])");
    const look = () => {
      const now = document.querySelector("#asked > li:not([hidden])"), picture = now?.querySelector("img");
      if (now === before || !picture?.complete || !picture.naturalWidth) return requestAnimationFrame(look);
      const channel = new MessageChannel();
      channel.port1.onmessage = () => window.waits.push(performance.now() - begun);
      channel.port2.postMessage(null);
    };
    requestAnimationFrame(look);
  }, true);
}
"""


def said(served: "Served") -> list[Opinion]:
    return [*standing_words(read_opinions(LocalObjectStore(served.lake.root)))]


def image_of(page: Page) -> str:
    name = page.locator(CURRENT).get_attribute("data-image")
    assert name
    return name


def press(page: Page, *keys: str) -> list[str]:
    """Decide, and see each time which picture it was."""
    seen = []
    for key in keys:
        seen.append(image_of(page))
        page.keyboard.press(key)
    return seen


def wait_until_sent(page: Page) -> None:
    expect(page.locator("#unsent")).to_have_text("All sent", timeout=30_000)


def test_forty_decisions_by_keys_are_kept_each_and_the_next_picture_is_there_at_once(
    asked: "Served", sit_down: Sit
) -> None:
    page = sit_down(asked, "ann")
    page.evaluate(_MEASURE)
    for number in range(40):
        (before,) = press(page, ("1", "2", "Enter", "s")[number % 4])
        page.locator(f"{CURRENT}:not([data-image='{before}'])").wait_for()
    wait_until_sent(page)
    waits = page.evaluate("window.waits")
    middle, worst = statistics.median(waits), sorted(waits)[int(0.95 * len(waits))]
    print(f"\nfrom key to next picture, ms: median {middle:.0f}, p95 {worst:.0f}, of {len(waits)}")  # noqa: T201 - to be read
    words = said(asked)
    assert len({word.image_id for word in words}) == len(words) == 40
    assert {word.label for word in words if word.kind is Kind.LABEL} == {"coat", "dress"}
    assert {word.decided_by for word in words} == {"ann"}
    expect(page.locator("#how-far")).to_contain_text("40")


def test_a_double_click_decides_one_picture(asked: "Served", sit_down: Sit) -> None:
    page = sit_down(asked, "ann")
    first = image_of(page)
    page.locator("#classes button").first.dblclick()
    wait_until_sent(page)
    assert [word.image_id for word in said(asked)] == [first]


def test_what_is_decided_without_a_connection_and_through_a_restart_is_kept_once(
    asked: "Served", sit_down: Sit, serve_lake: Callable[..., "Served"]
) -> None:
    page = sit_down(asked, "ann")
    first = press(page, "1", "2")
    wait_until_sent(page)
    page.context.set_offline(True)
    offline = press(page, "3", "Enter")
    expect(page.locator("#unsent")).to_contain_text("2 unsent")
    asked.process.kill()
    asked.process.wait()
    page.context.set_offline(False)
    down = press(page, "1")
    expect(page.locator("#unsent")).to_contain_text("3 unsent")
    serve_lake(asked.lake, "--port", asked.url.rpartition(":")[2], audit_share="0")
    wait_until_sent(page)
    words = read_opinions(LocalObjectStore(asked.lake.root))
    assert [word.image_id for word in words] == [*first, *offline, *down]


def test_what_is_unsent_survives_the_page_and_leaving_it_asks_first(asked: "Served", sit_down: Sit) -> None:
    page = sit_down(asked, "ann")
    page.route("**/v1/reviews", lambda route: route.abort())
    (decided,) = press(page, "2")
    expect(page.locator("#unsent")).to_contain_text("1 unsent")
    asked_first: list[str] = []
    page.on("dialog", lambda dialog: (asked_first.append(dialog.type), dialog.accept()))
    page.reload()
    assert asked_first == ["beforeunload"]
    expect(page.locator("#unsent")).to_contain_text("1 unsent")
    assert image_of(page) != decided
    page.unroute("**/v1/reviews")
    wait_until_sent(page)
    assert [(word.image_id, word.label) for word in said(asked)] == [(decided, "dress")]


def test_undo_takes_back_one_after_the_other_over_page_loads(asked: "Served", sit_down: Sit) -> None:
    page = sit_down(asked, "ann")
    first, second, third = press(page, "1", "2", "3")
    page.keyboard.press("u")
    assert image_of(page) == third
    wait_until_sent(page)
    page.reload()
    for image_id in (second, first):
        page.keyboard.press("Control+z")
        expect(page.locator(CURRENT)).to_have_attribute("data-image", image_id)
    wait_until_sent(page)
    assert said(asked) == []


def test_no_key_acts_while_typing_with_a_modifier_or_on_repeat(asked: "Served", sit_down: Sit) -> None:
    page = sit_down(asked, "ann")
    before = image_of(page)
    for key in ("Alt+1", "Shift+S", "Meta+2", "Control+1"):
        page.keyboard.press(key)
    page.locator("body").dispatch_event("keydown", {"key": "s", "code": "KeyS", "repeat": True})
    page.keyboard.press("/")
    page.keyboard.type("s1u")
    expect(page.locator("#other")).to_have_value("s1u")
    assert image_of(page) == before
    page.locator("#other").fill("Rain  Coat")
    page.keyboard.press("Enter")
    wait_until_sent(page)
    assert [(word.image_id, word.label) for word in said(asked)] == [(before, "rain coat")]
    page.reload()
    added = page.locator("#classes button").last
    assert added.get_attribute("value") == "rain coat"
    expect(added).to_contain_text("1")


def test_arrows_only_move_and_buttons_stay_where_they_are(asked: "Served", sit_down: Sit) -> None:
    page = sit_down(asked, "ann")
    first, places = image_of(page), page.evaluate(_PLACES)
    page.keyboard.press("ArrowRight")
    assert image_of(page) != first
    page.keyboard.press("ArrowLeft")
    assert image_of(page) == first
    for key in ("1", "Enter", "s"):
        page.keyboard.press(key)
        assert page.evaluate(_PLACES) == places
    page.keyboard.press("?")
    legend = page.locator("#legend")
    expect(legend).to_be_visible()
    shown = page.locator("#classes kbd, #accept kbd").all_text_contents()
    told = legend.locator("dt").all_text_contents()
    assert {each for each in shown if each} <= {*told}
    page.keyboard.press("1")
    page.keyboard.press("Escape")
    wait_until_sent(page)
    assert len(said(asked)) == 3


_PLACES = """() => [...document.querySelectorAll("#classes button, #accept, #skip, #undo")]
  .map((each) => { const {x, y} = each.getBoundingClientRect(); return [x, y] })"""


def test_the_field_stays_where_it_is_while_classes_are_sought_in_it(asked: "Served", sit_down: Sit) -> None:
    items = asked.ask("/v1/reviews?count=12", "bob").json()["items"]
    for number, item in enumerate(items):
        decide(asked, "bob", item["image_id"], f"class {number}")
    page = sit_down(asked, "ann")
    shown, place = page.locator("#classes button:visible"), page.locator("#other").bounding_box()
    count = shown.count()
    assert count > 10
    for typed, left in (("class 1", 1), ("class 11", 1), ("nothing of these", 0), ("", count)):
        page.locator("#other").fill(typed)
        assert (shown.count() >= left, shown.count() < count or not typed) == (True, True)
        assert page.locator("#other").bounding_box() == place


def test_two_people_get_different_pictures_and_a_third_settles_what_they_differ_on(
    asked: "Served", sit_down: Sit
) -> None:
    ann, bob = sit_down(asked, "ann"), sit_down(asked, "bob")
    held = [{each.get_attribute("data-image") for each in page.locator("#asked > li").all()} for page in (ann, bob)]
    assert held[0]
    assert held[0].isdisjoint(held[1])
    (image_id,) = press(ann, "1")
    wait_until_sent(ann)
    decide(asked, "bob", image_id, "hat")
    cy = sit_down(asked, "cy", "/review/conflicts")
    told = cy.locator("dl.facts")
    for word in ("ann", "coat", "bob", "hat"):
        expect(told).to_contain_text(word)
    cy.get_by_role("button", name="It is hat").click()
    expect(cy.get_by_role("heading", name="Nobody differs")).to_be_visible()
    assert {word.decided_by: word.label for word in said(asked)} == {"ann": "coat", "bob": "hat", "cy": "hat"}


def decide(served: "Served", who: str, image_id: str, label: str) -> None:
    kept = served.ask("/v1/reviews", who, "POST", json={"decisions": [{"image_id": image_id, "label": label}]})
    assert kept.status_code == 200


def test_whoever_is_a_side_of_a_conflict_may_only_come_round(asked: "Served", sit_down: Sit) -> None:
    page = sit_down(asked, "ann")
    (image_id,) = press(page, "1")
    wait_until_sent(page)
    decide(asked, "bob", image_id, "hat")
    page.goto("/review/conflicts")
    assert page.get_by_role("button", name="It is").all_text_contents() == ["It is hat"]
    page.get_by_role("button", name="It is hat").click()
    expect(page.get_by_role("heading", name="Nobody differs")).to_be_visible()


def test_what_is_refused_comes_back_with_its_reason(asked: "Served", browser: Browser) -> None:
    context = browser.new_context(base_url=asked.url)
    page = context.new_page()
    page.goto("/sign-in")
    page.get_by_label("Your API key").fill(asked.lake.keys["ann"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/")
    page.goto("/review")
    gold = asked.lake.tables.read(GOLD_IMAGES, DAY)
    mine = pl.col("image_id") == image_of(page)
    other = pl.when(mine).then(pl.lit("boot")).otherwise("predicted_label").cast(gold.schema["predicted_label"])
    asked.lake.tables.replace(GOLD_IMAGES, DAY, gold.with_columns(predicted_label=other))
    (refused,) = press(page, "Enter")
    expect(page.get_by_role("alert")).to_contain_text("look again")
    page.keyboard.press("s")
    assert image_of(page) == refused
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    context.close()


def test_audits_are_blind_and_look_like_others(full_lake: Any, tmp_path: Any, sit_down: Sit, serve_lake: Any) -> None:
    from image_assets_tests.serving.gallery.reviewing.conftest import copied

    lake = copied(full_lake, tmp_path)
    gold = lake.tables.read(GOLD_IMAGES, DAY)
    lake.tables.replace(GOLD_IMAGES, DAY, gold.with_columns(needs_review=pl.col("confidence_ratio") < 0.5))
    served = serve_lake(lake, audit_share="0.5")
    page = sit_down(served, "ann")
    blind = page.locator("#asked > li:not([data-told])")
    assert blind.count() > 1
    assert len({*blind.locator("h2, p").all_text_contents()}) == 2
    assert "audit" not in page.content().lower()
    while page.locator(f"{CURRENT}[data-told]").count():
        page.keyboard.press("ArrowRight")
    before = image_of(page)
    page.keyboard.press("Enter")
    assert image_of(page) == before
    expect(page.locator("#accept")).to_be_disabled()


def test_a_doubtful_label_is_kept_or_changed_by_a_key(asked: "Served", sit_down: Sit) -> None:
    page = sit_down(asked, "ann", "/review/issues")
    expect(page.locator(CURRENT)).to_contain_text("Is it scarf?")
    expect(page.locator(CURRENT)).to_contain_text("hat, 96 % sure")
    image_id = image_of(page)
    page.keyboard.press("k")
    wait_until_sent(page)
    expect(page.get_by_role("heading", name="No doubtful labels")).to_be_visible()
    page.keyboard.press("u")
    wait_until_sent(page)
    page.keyboard.press("Enter")
    wait_until_sent(page)
    assert [(word.image_id, word.label) for word in said(asked)] == [(image_id, "hat")]


def test_all_that_match_are_looked_at_accepted_by_their_number_and_taken_back_as_one(
    asked: "Served", sit_down: Sit
) -> None:
    page = sit_down(asked, "ann", "/review/many?predicted_label=dress&min_percent=40")
    shown = page.locator(".grid li").count()
    expect(page.get_by_role("heading", name=f"{shown} pictures would be called dress")).to_be_visible()
    page.get_by_label("repeat the number").fill(str(shown))
    page.get_by_role("button", name=f"Accept all {shown}").click()
    undo = page.get_by_role("button", name=f"Undo all {shown}")
    expect(undo).to_be_visible()
    assert {(word.kind, word.label) for word in said(asked)} == {(Kind.ACCEPT, "dress")}
    assert len(said(asked)) == shown
    undo.click()
    expect(page.get_by_role("status")).to_contain_text(f"{shown} decisions were taken back")
    assert said(asked) == []


def test_a_picture_that_is_ticked_is_left_out_and_still_waits(asked: "Served", sit_down: Sit) -> None:
    page = sit_down(asked, "ann", "/review/many?predicted_label=dress&min_percent=40", java_script_enabled=False)
    shown = page.locator(".grid li").count()
    ticked = page.get_by_role("checkbox").first
    left_out = ticked.get_attribute("value")
    ticked.check()
    page.get_by_label("repeat the number").fill(str(shown))
    page.get_by_role("button", name=f"Accept all {shown}").click()
    expect(page.get_by_role("button", name=f"Undo all {shown - 1}")).to_be_visible()
    assert len(said(asked)) == shown - 1
    ask = {"predicted_label": "dress", "min_confidence": 0.4}
    found = asked.ask("/v1/reviews/matching", "ann", params=ask).json()
    assert [each["image_id"] for each in found["images"]] == [left_out]


def test_another_number_than_was_told_accepts_nothing(asked: "Served") -> None:
    ask = {"predicted_label": "dress", "min_confidence": 0.4}
    count = asked.ask("/v1/reviews/matching", "ann", params=ask).json()["count"]
    body = {**ask, "count": count + 1, "id": "many-1"}
    assert asked.ask("/v1/reviews/matching", "ann", "POST", json=body).status_code == 422
    assert said(asked) == []
    for _ in range(2):
        done = asked.ask("/v1/reviews/matching", "ann", "POST", json={**body, "count": count})
        assert len(done.json()["image_ids"]) == count
    assert len(said(asked)) == count


def test_without_a_script_every_picture_has_its_form(asked: "Served", sit_down: Sit) -> None:
    page = sit_down(asked, "ann", java_script_enabled=False)
    seen = []
    for name in ("dress", "Skip", "Accept"):
        seen.append(page.locator("#asked > li").first.get_attribute("data-image"))
        with page.expect_navigation():
            page.locator("#decide").get_by_role("button", name=name).first.click()
    page.get_by_label("Another class").fill("boot")
    seen.append(page.locator("#asked > li").first.get_attribute("data-image"))
    with page.expect_navigation():
        page.keyboard.press("Enter")
    words = said(asked)
    assert [word.image_id for word in words] == seen
    assert [word.kind for word in words] == [Kind.LABEL, Kind.SKIP, Kind.ACCEPT, Kind.LABEL]
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#asked > li").first).to_have_attribute("data-image", seen[-1] or "")


def test_on_a_phone_every_button_can_be_met(asked: "Served", sit_down: Sit) -> None:
    page = sit_down(asked, "ann", width=390)
    small = page.evaluate(
        """() => [...document.querySelectorAll("main button")].filter((each) => each.checkVisibility())
        .map((each) => [each.textContent, each.getBoundingClientRect()])
        .filter(([, {width, height}]) => height < 44 || width < 44).map(([text]) => text)"""
    )
    assert small == []
    before = image_of(page)
    page.locator("#classes button").first.click()
    assert image_of(page) != before


def test_a_form_of_a_page_that_is_none_of_ours_is_refused(asked: "Served") -> None:
    with httpx.Client(base_url=asked.url) as client:
        client.post("/sign-in", data={"key": asked.lake.keys["ann"], "next": "/"})
        refused = client.post("/review", data={"kind": "skip", "id": "x", "mark": "no"})
    assert refused.status_code == 403
