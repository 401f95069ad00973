"""What holds of every page, whoever adds it: everybody can use it, at every width, in the light and in the dark."""

from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi import Response
from fastapi.routing import APIRoute
from playwright.sync_api import Page

from image_assets.serving.application import ROUTERS
from image_assets_tests.serving.gallery.conftest import NARROW, WIDE

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Served

ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
PAGES = sorted(
    route.path
    for route in ROUTES
    if "GET" in route.methods
    and not route.include_in_schema
    and not route.path.startswith("/static")
    # What pages are made with, and files, say that they answer with something else.
    and route.response_class is not Response
)
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SHIFTS = """shifted = 0;
new PerformanceObserver((list) => { for (const each of list.getEntries()) shifted += each.value; })
.observe({ type: "layout-shift", buffered: true });"""
MOST_SHIFTED = 0.02
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def address_of(path: str, served: "Served") -> str:
    return path.replace("{image_id}", served.lake.ids_of("anna")[0]).replace("{day}", "2026-03-14")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_can_be_used_by_everybody(path: str, served: "Served", open_page: Callable[..., Page]) -> None:
    # Colours that are still changing cannot be judged.
    page = open_page(served.url, key=served.lake.keys["admin"], reduced_motion="reduce")
    page.add_init_script(SHIFTS)
    for width, theme in product((WIDE, NARROW), THEMES):
        page.emulate_media(color_scheme=theme)
        if theme == THEMES[0]:
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(address_of(path, served))
            page.wait_for_load_state("networkidle")
            assert page.evaluate("shifted") <= MOST_SHIFTED, f"{width} px: what is looked at moves"
        found = Axe().run(page, options={"runOnly": WCAG})
        assert not found.response["violations"], f"{width} px, {theme}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "a page scrolls in one direction"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_needs_no_script(path: str, served: "Served", open_page: Callable[..., Page]) -> None:
    page = open_page(served.url, key=served.lake.keys["admin"], java_script_enabled=False)
    answer = page.goto(address_of(path, served))
    assert answer is not None
    assert answer.ok
    assert page.locator("h1").is_visible()
    assert answer.headers["cache-control"] == "private, no-cache"
