"""A real browser, which fails a test for whatever a person would never see: an error of a script, a blocked file."""

import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, sync_playwright

from image_assets.access.sessions import COOKIE
from image_assets_tests.serving.conftest import REPOSITORY, Lake, Served

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NARROW, WIDE = 320, 1440


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; ended with the tests of a file, because no other event loop may run beside it."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium to look at pages with: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def empty(tmp_path: Path, serve_lake: Callable[..., Served]) -> Served:
    """A lake that nobody has put anything into, served to whoever is on this machine."""
    shutil.copy(REPOSITORY / "dagster.yaml", tmp_path)
    return serve_lake(Lake(tmp_path), "--create")


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open an empty page of a browser of its own; see `watched`."""
    opened: list[Any] = []

    def open_one(url: str, **options: Any) -> Page:
        manager = watched(browser, url, **options)
        opened.append(manager)
        page: Page = manager.__enter__()
        return page

    yield open_one
    for manager in reversed(opened):
        manager.__exit__(None, None, None)


@contextmanager
def watched(
    browser: Browser,
    url: str,
    *,
    width: int = WIDE,
    theme: Any = "light",
    key: str | None = None,
    bears: Collection[int] = (),
    **options: Any,
) -> Iterator[Page]:
    """A page at the first address of a service, signed in with a key if there is one.

    When it ends there was no error of a script, nothing that the policy (CSP) forbids, no file or answer that the
    page lacks, and nothing was asked of another host; the page itself may have been refused, and scripts may have been
    told what they bear.
    """
    context = browser.new_context(base_url=url, viewport={"width": width, "height": 900}, color_scheme=theme, **options)
    page = context.new_page()
    page.set_default_timeout(20_000)
    wrong: list[str] = []
    own = urlsplit(url).netloc
    page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
    page.on("console", lambda line: wrong.append(f"console: {line.text}") if _is_error(line) else None)
    page.on("request", lambda each: wrong.append(f"foreign: {each.url}") if _is_foreign(each.url, own) else None)
    page.on("response", lambda each: wrong.append(f"{each.status}: {each.url}") if _has_failed(each, bears) else None)
    try:
        if key:
            cookie = httpx.post(f"{url}/sign-in", data={"key": key}).cookies[COOKIE]
            context.add_cookies([{"name": COOKIE, "value": cookie, "url": url, "httpOnly": True}])
        yield page
        assert not wrong
    finally:
        context.close()


def wait_until(page: Page, function: str, argument: object = None) -> None:
    """Ask a page until a function says yes; Playwright's own waiting evaluates text, which the policy forbids."""
    for _ in range(1000):
        if page.evaluate(function, argument):
            return
        page.wait_for_timeout(20)
    pytest.fail(f"never came true: {function}")


def _is_error(line: ConsoleMessage) -> bool:
    # What could not be loaded is judged by its answer.
    return line.type == "error" and not line.text.startswith("Failed to load resource")


def _has_failed(answer: Response, bears: Collection[int]) -> bool:
    return answer.status not in bears and answer.status >= (500 if answer.request.resource_type == "document" else 400)


def _is_foreign(address: str, own: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme not in ("data", "blob") and parts.netloc != own
