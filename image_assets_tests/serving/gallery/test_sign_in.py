"""Who is let in by a browser, and what another page cannot make a browser do."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from time import sleep
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import Page, expect

from image_assets.access.keys import add_key, revoke_key
from image_assets.access.roles import Role
from image_assets.access.sessions import COOKIE

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served


SignIn = Callable[["Served", str], httpx.Client]


@pytest.fixture
def signed_in() -> Iterator[SignIn]:
    """A browser without a window, in which somebody has signed in."""
    with ExitStack() as stack:

        def sign_in(served: "Served", key: str) -> httpx.Client:
            client = stack.enter_context(httpx.Client(base_url=served.url, follow_redirects=False))
            answer = client.post("/sign-in", data={"key": key, "next": "/"})
            assert answer.status_code == 303
            return client

        yield sign_in


def test_without_a_session_a_page_asks_for_a_key_and_then_shows_what_was_asked_for(
    served: "Served", open_page: Callable[..., Page]
) -> None:
    page = open_page(served.url)
    page.goto("/?label=dress")
    expect(page).to_have_title("Sign in · image_assets")
    page.get_by_label("Your API key").fill("ia_000000000000_" + "x" * 43)
    with page.expect_response(lambda answer: answer.status == 422):
        page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("image-assets keys")


def test_a_session_leads_to_the_page_that_was_asked_for(served: "Served", open_page: Callable[..., Page]) -> None:
    page = open_page(served.url)
    page.goto("/?label=dress")
    page.get_by_label("Your API key").fill(served.lake.keys["read"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/?label=dress")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_title("Sign in · image_assets")


def test_a_cookie_is_out_of_reach_of_scripts_and_other_hosts(served: "Served") -> None:
    answer = httpx.post(f"{served.url}/sign-in", data={"key": served.lake.keys["read"]})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert served.lake.keys["read"] not in cookie


def test_a_revoked_key_ends_its_sessions(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], signed_in: SignIn
) -> None:
    key, text = add_key(own_lake.tables.store, "guest", [Role.READ], datetime.now(UTC))
    served = serve_lake(own_lake)
    client = signed_in(served, text)
    assert client.get("/v1/images").status_code == 200
    revoke_key(own_lake.tables.store, key.key_id, datetime.now(UTC))
    sleep(1.1)
    assert client.get("/v1/images").status_code == 401


def test_a_cookie_that_was_changed_opens_nothing(served: "Served", signed_in: SignIn) -> None:
    client = signed_in(served, served.lake.keys["read"])
    parts = client.cookies[COOKIE].split(".")
    for number in range(len(parts)):
        changed = ".".join(
            f"{part[:-1]}{'0' if part[-1] != '0' else '1'}" if n == number else part for n, part in enumerate(parts)
        )
        assert httpx.get(f"{served.url}/v1/images", cookies={COOKIE: changed}).status_code == 401


def test_what_a_session_changes_bears_the_mark_of_a_page(served: "Served", signed_in: SignIn) -> None:
    client = signed_in(served, served.lake.keys["admin"])
    body = {"decisions": [{"image_id": served.lake.ids_of("bo")[0], "kind": "skip"}]}
    assert client.post("/v1/reviews", json=body).json()["type"].endswith("unmarked-change")
    other = signed_in(served, served.lake.keys["review"])
    assert client.post("/v1/reviews", json=body, headers={"X-Change-Mark": mark_of(other)}).status_code == 403


def test_a_session_is_taken_where_a_key_would_be(served: "Served", signed_in: SignIn) -> None:
    client = signed_in(served, served.lake.keys["admin"])
    found = client.post("/v1/reviews", json={"decisions": []}, headers={"X-Change-Mark": mark_of(client)})
    assert found.status_code == 422, "empty, but let in"


def test_who_signs_in_is_not_sent_to_another_host(served: "Served") -> None:
    for path in ("//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"):
        answer = httpx.post(f"{served.url}/sign-in", data={"key": served.lake.keys["read"], "next": path})
        assert answer.headers["location"] == "/"


def test_a_problem_is_a_page_for_people_and_json_for_programs(served: "Served", signed_in: SignIn) -> None:
    client = signed_in(served, served.lake.keys["read"])
    answer = client.get("/nowhere", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "text/html" in answer.headers["content-type"]
    assert answer.headers["x-request-id"] in answer.text
    assert client.get("/nowhere").headers["content-type"] == "application/problem+json"


def mark_of(client: httpx.Client) -> str:
    """As a script of a page finds it."""
    page = client.get("/", headers={"Accept": "text/html"}).text
    return page.split('name="change-mark" content="')[1].split('"')[0]


def test_who_is_told_of_a_problem_finds_the_way_to_the_pages_that_are_open(served: "Served", signed_in: SignIn) -> None:
    client = signed_in(served, served.lake.keys["read"])
    client.headers["Accept"] = "text/html"
    told = [
        client.get("/nowhere"),
        client.get("/review"),
        client.get("/?min_score=7"),
        client.post("/images/00000000-0000-5000-8000-000000000000/erase", data={"word": "erase", "mark": "old"}),
    ]
    assert [each.status_code for each in told] == [404, 403, 422, 403]
    for each in told:
        assert '<a href="/days"' in each.text, each.text
        assert '<a href="/review"' not in each.text
        assert "Sign out" in each.text
    stranger = httpx.post(f"{served.url}/review", headers={"Accept": "text/html"})
    assert (stranger.status_code, 'href="/sign-in"' in stranger.text, 'href="/days"' in stranger.text) == (
        401,
        True,
        False,
    )


def test_a_lake_that_is_away_takes_no_page_its_way_out(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], signed_in: SignIn
) -> None:
    client = signed_in(serve_lake(own_lake), own_lake.keys["read"])
    own_lake.root.rename(own_lake.root.with_name("away"))
    sleep(1.1)
    told = client.get("/days", headers={"Accept": "text/html"})
    assert (told.status_code, '<a href="/"' in told.text, 'href="/days" aria-current' in told.text) == (503, True, True)
