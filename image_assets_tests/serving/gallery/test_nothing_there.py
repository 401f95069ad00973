"""Pages where there is nothing to look at, and where a part of the lake cannot be read."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from image_assets.lake import object_keys

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served


@pytest.mark.parametrize("path", ["/review", "/review/issues"])
def test_where_nothing_waits_nothing_can_be_decided(empty: "Served", open_page: Callable[..., Page], path: str) -> None:
    page = open_page(empty.url)
    page.goto(path)
    expect(page.locator("#nothing")).to_be_visible()
    expect(page.get_by_role("button", name="Skip")).to_have_count(0)


def test_a_damaged_index_takes_nothing_away_but_likeness(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], open_page: Callable[..., Page]
) -> None:
    manifest = own_lake.root / object_keys.index_manifest_key("builtin")
    manifest.write_bytes(manifest.read_bytes()[:20])
    served, image_id = serve_lake(own_lake), own_lake.ids_of("anna")[0]
    for path in ("/v1/images", f"/v1/images/{image_id}"):
        assert served.ask(path, "read").status_code == 200, path
    refused = served.ask("/v1/search?text=red", "read")
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:image-assets:problem:index-unavailable")
    assert str(own_lake.root) not in refused.text
    page = open_page(served.url, key=own_lake.keys["read"])
    for path in ("/", "/map", f"/images/{image_id}"):
        answer = page.goto(path)
        assert answer is not None
        assert answer.ok, path
