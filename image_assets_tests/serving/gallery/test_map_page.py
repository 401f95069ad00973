"""The map in a browser: what is drawn around is shown, and what was erased is not on it."""

import base64
from collections.abc import Callable
from time import monotonic, sleep
from typing import TYPE_CHECKING
from uuid import UUID

from playwright.sync_api import Page, expect

from image_assets_tests.serving.gallery.conftest import wait_until

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served

HOSTILE = "</svg><script>alert(1)</script>\u202e"


def test_points_are_drawn_shown_and_drawn_around(served: "Served", open_page: Callable[..., Page]) -> None:
    page = open_page(served.url, key=served.lake.keys["read"])
    page.goto("/map")
    canvas = page.locator("#map")
    expect(canvas).to_be_visible()
    wait_until(page, "map.getContext('2d').getImageData(0, 0, map.width, map.height).data.some(Boolean)")
    box = canvas.bounding_box()
    assert box is not None
    page.get_by_role("button", name="Draw around some").click()
    edges = [(2, 2), (box["width"] - 2, 2), (box["width"] - 2, box["height"] - 2), (2, box["height"] - 2)]
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    # A line may end where it began.
    for x, y in [*edges[1:], edges[0]]:
        page.mouse.move(box["x"] + x, box["y"] + y)
    page.mouse.up()
    page.get_by_role("link", name="Show the 5 images").click()
    expect(page.locator(".tile img")).to_have_count(5)
    page.get_by_role("link", name="Leave out: drawn on the map").wait_for()
    assert "around=" in page.url
    page.go_back()
    expect(page.locator("#map")).to_be_visible()
    expect(page.get_by_role("link", name="Show the 5 images")).to_be_visible()


def test_a_point_shows_its_image_and_leads_to_it(served: "Served", open_page: Callable[..., Page]) -> None:
    page = open_page(served.url, key=served.lake.keys["read"])
    page.goto("/map?by=day")
    expect(page.locator("#map")).to_be_visible()
    wait_until(page, "map.getContext('2d').getImageData(0, 0, map.width, map.height).data.some(Boolean)")
    box = page.locator("#map").bounding_box()
    assert box is not None
    told = served.ask("/map/points?by=day", "read").json()
    x, y = (int.from_bytes(base64.b64decode(told[name])[:2], "little") / 65535 for name in ("x", "y"))
    side = min(box["width"], box["height"]) - 24
    page.mouse.move(box["x"] + x * side + (box["width"] - side) / 2, box["y"] + y * side + (box["height"] - side) / 2)
    expect(page.locator("#shown")).to_be_visible()
    href = page.locator("#shown").get_attribute("href") or ""
    assert href.removeprefix("/images/") in ids_of(told)


def test_points_that_have_not_changed_are_not_sent_again(served: "Served") -> None:
    first = served.ask("/map/points", "read")
    assert first.json()["points"] == 5
    again = served.ask("/map/points", "read", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = served.ask("/map/points?by=day", "read", headers={"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200


def test_an_erased_image_leaves_the_map_at_once(own_lake: "Lake", serve_lake: Callable[..., "Served"]) -> None:
    served, image_id = serve_lake(own_lake), own_lake.ids_of("anna")[0]
    assert image_id in ids_of(served.ask("/map/points", "read").json())
    assert served.ask(f"/v1/images/{image_id}?reason=ticket", "admin", "DELETE").status_code == 200
    assert image_id not in ids_of(served.ask("/map/points", "read").json())
    assert "No map yet" in served.ask("/map", "read").text
    own_lake.command("run", "--from", "2026-03-14", "--to", "2026-03-15")
    deadline = monotonic() + 20
    while not (found := ids_of(served.ask("/map/points", "read").json())) and monotonic() < deadline:
        sleep(0.2)
    assert len(found - {image_id}) == len(found) == 4


def test_a_label_full_of_markup_is_text(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], open_page: Callable[..., Page]
) -> None:
    own_lake.command("label", own_lake.ids_of("bo")[0], HOSTILE)
    own_lake.command("run", "--from", "2026-03-14", "--to", "2026-03-15")
    page = open_page(serve_lake(own_lake).url, key=own_lake.keys["read"])
    page.goto("/map")
    link = page.locator(".legend-list a", has_text="alert(1)")
    expect(link).to_be_visible()
    link.click()
    expect(page.locator(".tile")).to_have_count(1)


def test_a_line_that_is_none_is_refused_in_words(served: "Served") -> None:
    refused = served.ask("/?around=1,2,3", "read")
    assert refused.status_code == 422
    assert "pairs of whole numbers" in refused.json()["detail"]


def ids_of(told: dict[str, str]) -> set[str]:
    data = base64.b64decode(told["ids"])
    return {str(UUID(bytes=data[at : at + 16])) for at in range(0, len(data), 16)}
