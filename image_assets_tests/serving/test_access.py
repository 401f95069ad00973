"""Who is let in: keys, roles, hosts and pages; the matrix is made from the routes, so that none is forgotten."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from image_assets.access.keys import add_key, revoke_key
from image_assets.access.roles import Role, includes
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.object_keys import LAKE_MARK
from image_assets.serving.application import ROUTERS, create_app
from image_assets.serving.callers import Needs, NeedsOnPage, NeedsUnlessLocal, Public
from image_assets.serving.parameters import parameters_of
from image_assets.settings import Settings

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served

KEYS = {"anna": Role.UPLOAD, "read": Role.READ, "review": Role.REVIEW, "admin": Role.ADMIN}
CHANGES_NOTHING = {"/"}
"""What a page is sent without changing anything: a picture to search with."""
NOBODYS = "00000000-0000-5000-8000-000000000000"
BINDING = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
WRITTEN_DOWN = {
    "GET /health": "anybody",
    "GET /ready": "anybody",
    "GET /metrics": "admin",
    "GET /v1/config": "admin",
    "PATCH /v1/config": "admin",
    "GET /v1/config/history": "admin",
    "POST /v1/images": "upload",
    "PUT /v1/uploads/{name}": "upload",
    "GET /v1/uploads": "upload",
    "GET /v1/images/{image_id}": "read upload",
    "DELETE /v1/images/{image_id}": "admin",
    "GET /v1/images/{image_id}/thumbnail": "read upload",
    "GET /v1/images/{image_id}/preview": "read upload",
    "GET /v1/images/{image_id}/silver": "read upload",
    "GET /v1/images/{image_id}/original": "admin upload",
    "POST /v1/encode": "read",
    "POST /v1/predict": "read",
    "POST /v1/predict_batch": "read",
    "GET /v1/classes": "read",
    "GET /v1/images": "read upload",
    "GET /v1/search": "read upload",
    "POST /v1/search": "read upload",
    "GET /v1/images/{image_id}/similar": "read upload",
    "GET /v1/reviews": "review",
    "POST /v1/reviews": "review",
    "GET /v1/reviews/progress": "review",
    "GET /v1/reviews/conflicts": "review",
    "GET /v1/reviews/matching": "review",
    "POST /v1/reviews/matching": "review",
    "POST /v1/reviews/matching/undo": "review",
    "GET /v1/reviews/issues": "review",
    "GET /v1/duplicates": "review",
    "POST /v1/duplicates": "review",
    "POST /v1/duplicates/undo": "review",
    "GET /v1/rejected": "review",
    "GET /v1/rejected/{rejection_id}/file": "admin",
    "POST /v1/rejected/retry": "review",
    "POST /v1/rejected/accept": "review",
    "POST /v1/rejected/withdraw": "review",
    "GET /static/{version}/{name}": "anybody",
    "GET /sign-in": "anybody",
    "POST /sign-in": "anybody",
    "POST /sign-out": "anybody",
    "GET /": "read upload",
    "GET /review": "review",
    "POST /review": "review",
    "GET /review/issues": "review",
    "GET /review/conflicts": "review",
    "GET /review/many": "review",
    "POST /review/many": "review",
    "POST /review/many/undo": "review",
    "GET /duplicates": "review",
    "POST /duplicates": "review",
    "POST /duplicates/undo": "review",
    "GET /training": "review",
    "POST /training/start": "admin",
    "POST /": "read upload",
    "GET /filters": "read upload",
    "GET /images/{image_id}": "read upload",
    "GET /images/{image_id}/overlay": "read upload",
    "POST /images/{image_id}/erase": "admin",
    "GET /selection": "review",
    "GET /selection/done": "review",
    "POST /selection/label": "review",
    "POST /selection/erase": "admin",
    "GET /upload": "upload",
    "POST /upload": "upload",
    "GET /rejected": "review",
    "GET /rejected/{rejection_id}/picture": "review",
    "POST /rejected/retry": "review",
    "POST /rejected/accept": "review",
    "POST /rejected/dismiss": "review",
    "POST /rejected/erase": "admin",
    "GET /map": "read",
    "GET /map/points": "read",
    "GET /days": "read",
    "GET /days/{day}": "read",
    "GET /days/{day}/report": "admin",
}
ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
MATRIX = [(route, method, key) for route in ROUTES for method in sorted(route.methods) for key in (None, *KEYS)]


def guards_of(dependant: Dependant) -> Iterator[Needs | Public]:
    if isinstance(dependant.call, Needs | Public):
        yield dependant.call
    for below in dependant.dependencies:
        yield from guards_of(below)


GUARDED = [each for each in ROUTES if "GET" in each.methods and isinstance(next(guards_of(each.dependant)), Needs)]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{'/'.join(route.methods)} {route.path}")
def test_every_route_says_who_may_ask(route: APIRoute) -> None:
    assert len(list(guards_of(route.dependant))) == 1


def test_who_may_do_what_changes_only_where_it_is_written_down() -> None:
    guards = {f"{method} {route.path}": guards_of(route.dependant) for route in ROUTES for method in route.methods}
    roles = {name: next(iter(found)) for name, found in guards.items()}
    told = {name: "anybody" if isinstance(each, Public) else " ".join(each.roles) for name, each in roles.items()}
    assert told == WRITTEN_DOWN


def test_every_route_is_documented_and_nothing_else_is(tmp_path: Path) -> None:
    documented = create_app(Settings(root=tmp_path)).openapi()["paths"]
    known = {(route.path, method.lower()) for route in ROUTES for method in route.methods if route.include_in_schema}
    assert {(path, method) for path, methods in documented.items() for method in methods} == known


@pytest.mark.parametrize(
    ("route", "method", "key"), MATRIX, ids=[f"{method} {route.path} as {key}" for route, method, key in MATRIX]
)
def test_a_route_lets_in_its_roles_and_nobody_else(
    served: "Served", route: APIRoute, method: str, key: str | None
) -> None:
    (guard,) = guards_of(route.dependant)
    path = route.path.format(**dict.fromkeys(route.param_convertors, NOBODYS))
    answer = served.ask(path, key, method)
    status = answer.status_code
    if isinstance(guard, Public):
        assert status not in {401, 403}
    elif key is None:
        assert status == (200 if isinstance(guard, NeedsUnlessLocal) else 401)
    elif any(includes([KEYS[key]], role) for role in guard.roles):
        is_unmarked = method == "POST" and isinstance(guard, NeedsOnPage) and path not in CHANGES_NOTHING
        assert answer.json()["type"].endswith("unmarked-change") if is_unmarked else status not in {401, 403}
    else:
        assert status == 403


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: route.path)
def test_a_parameter_that_a_route_does_not_know_is_refused_with_those_it_knows(
    served: "Served", route: APIRoute
) -> None:
    path = route.path.format(**dict.fromkeys(route.param_convertors, NOBODYS))
    refused = served.ask(path, "admin", params={"page_sise": 3})
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert [each["pointer"] for each in refused.json()["errors"]] == ["/query/page_sise"]
    known = parameters_of(route)
    assert (", ".join(known) if known else "there is none") in refused.json()["detail"]


def test_parameters_that_are_declared_in_models_and_dependencies_are_known() -> None:
    known = {route.path: parameters_of(route) for route in ROUTES if "GET" in route.methods}
    assert {"page_token", "facets", "label", "order"} <= set(known["/v1/images"])
    assert known["/v1/images/{image_id}/thumbnail"] == ["exp", "kid", "sig"]
    assert known["/v1/duplicates"] == ["decided", "page_size", "page_token"]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic eDp5", "bearer ia_000000000000_" + "x" * 43])
def test_a_wrong_key_is_told_nothing_but_that(served: "Served", header: str) -> None:
    refused = served.ask(f"/v1/images/{NOBODYS}", headers={"Authorization": header})
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert "detail" in refused.json()


def test_a_key_in_the_address_is_refused_whatever_it_may(served: "Served") -> None:
    refused = served.ask("/v1/images/x", "admin", params={"key": served.lake.keys["admin"]})
    assert refused.status_code == 400
    assert served.lake.keys["admin"] not in refused.text


def test_a_running_service_takes_a_new_key_and_refuses_a_revoked_one(
    own_lake: "Lake", serve_lake: Callable[..., "Served"]
) -> None:
    served, store, now = serve_lake(own_lake), LocalObjectStore(own_lake.root), datetime.now(UTC)
    path = f"/v1/images/{own_lake.ids_of('anna')[0]}"
    key, text = add_key(store, "shop", [Role.READ], now)
    headers = {"Authorization": f"Bearer {text}"}
    statuses = [served.ask(path, headers=headers).status_code]
    revoke_key(store, key.key_id, now)
    for _ in range(40):
        statuses.append(served.ask(path, headers=headers).status_code)
        if statuses[-1] == 401:
            break
    assert (statuses[0], statuses[-1]) == (200, 401)


def test_without_any_key_the_owner_of_the_machine_may_do_everything_and_a_proxied_stranger_nothing(
    own_lake: "Lake", serve_lake: Callable[..., "Served"]
) -> None:
    for record in (own_lake.root / "access" / "keys").iterdir():
        record.unlink()
    (own_lake.root / LAKE_MARK).unlink()
    served, path = serve_lake(own_lake), f"/v1/images/{own_lake.ids_of('bo')[0]}"
    assert served.ask(path).json()["exif"]
    assert served.ask(path, headers={"X-Forwarded-For": "203.0.113.7"}).status_code == 401


def test_an_address_that_others_reach_needs_a_live_key(own_lake: "Lake") -> None:
    for record in (own_lake.root / "access" / "keys").iterdir():
        record.unlink()
    past = datetime.now(UTC) - timedelta(days=1)
    add_key(LocalObjectStore(own_lake.root), "old", [Role.ADMIN], past, expires_at=past + timedelta(hours=1))
    refused = own_lake.command("serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.returncode == 1
    assert "image-assets keys add" in refused.stderr


def test_another_host_name_is_not_answered_for(served: "Served") -> None:
    assert served.ask("/health", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]
)
def test_a_page_of_another_origin_changes_nothing(served: "Served", headers: dict[str, str]) -> None:
    refused = served.ask(f"/v1/images/{NOBODYS}", "admin", "DELETE", headers=headers, params={"reason": "none"})
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:image-assets:problem:foreign-page")


def test_who_guesses_keys_is_refused_for_a_while(own_lake: "Lake", serve_lake: Callable[..., "Served"]) -> None:
    served = serve_lake(own_lake)
    wrong = {"Authorization": "Bearer ia_000000000000_" + "x" * 43}
    statuses = [served.ask(f"/v1/images/{NOBODYS}", headers=wrong).status_code for _ in range(40)]
    assert statuses[0] == 401
    assert statuses[-1] == 429


def test_a_key_has_so_many_requests_and_is_told_when_to_come_again(
    own_lake: "Lake", serve_lake: Callable[..., "Served"]
) -> None:
    served = serve_lake(own_lake, rate_limit="3/hour")
    answers = [served.ask(f"/v1/images/{NOBODYS}", "admin") for _ in range(4)]
    assert [each.status_code for each in answers] == [404, 404, 404, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert served.ask(f"/v1/images/{NOBODYS}", "read").status_code == 404


@pytest.mark.parametrize("path", ["/health", "/nowhere", "/v1/images/zzz"])
def test_every_answer_has_its_id_and_the_headers_that_bind_browsers(served: "Served", path: str) -> None:
    answer = served.ask(path, headers={"X-Request-ID": "my-id-7"})
    assert answer.headers["x-request-id"] == "my-id-7"
    assert {name: answer.headers[name] for name in BINDING} == BINDING
    assert "server" not in answer.headers


@pytest.mark.parametrize("given", ["a" * 65, "with space", "<b>", "x\ty"])
def test_an_id_of_a_request_that_is_none_is_replaced(served: "Served", given: str) -> None:
    assert served.ask("/health", headers={"X-Request-ID": given}).headers["x-request-id"] != given


@pytest.mark.parametrize("piece", [1_000, 1_000_000])
def test_headers_end_somewhere(served: "Served", piece: int) -> None:
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        sent = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 100_000
        with suppress(ConnectionError):
            for start in range(0, len(sent), piece):
                connection.sendall(sent[start : start + piece])
        answer = connection.recv(4_000)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in answer


def test_usual_headers_are_taken_one_request_after_the_other(served: "Served") -> None:
    with httpx.Client(base_url=served.url, headers={"X-Long": "x" * 12_000}) as client:
        assert [client.get("/health").status_code for _ in range(5)] == [200] * 5


@pytest.mark.parametrize("has_length", [True, False])
def test_a_body_that_is_too_long_is_a_problem_like_any_other(served: "Served", has_length: bool) -> None:
    body = b'{"decisions": [' + b" " * 2**21 + b"]}"
    content = body if has_length else iter([body])
    headers = {"Content-Type": "application/json"}
    refused = served.ask("/v1/reviews", "review", "POST", content=content, headers=headers)
    assert (refused.status_code, refused.headers["content-type"]) == (413, "application/problem+json")
    assert refused.json()["instance"] == refused.headers["x-request-id"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/images", "GET, HEAD, OPTIONS, POST"),
        (f"/v1/images/{NOBODYS}", "DELETE, GET, HEAD, OPTIONS"),
        ("/v1/config", "GET, HEAD, OPTIONS, PATCH"),
        ("/v1/encode", "OPTIONS, POST"),
    ],
)
def test_an_address_says_all_that_it_takes(served: "Served", path: str, allowed: str) -> None:
    asked, refused = (served.ask(path, "admin", method) for method in ("OPTIONS", "PUT"))
    assert (asked.status_code, asked.headers["allow"]) == (204, allowed)
    assert (refused.status_code, refused.headers["allow"]) == (405, allowed)


def test_the_service_as_a_whole_says_what_it_takes(served: "Served") -> None:
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 204")


def test_one_request_has_one_idempotency_key(served: "Served") -> None:
    who = {"Authorization": f"Bearer {served.lake.keys['anna']}", "Content-Type": "image/jpeg"}
    told = []
    for other in ("two", "one"):
        headers = [*who.items(), ("Idempotency-Key", "one"), ("Idempotency-Key", other)]
        answer = httpx.post(f"{served.url}/v1/images", headers=headers, content=b"no picture", timeout=60)
        told.append(answer.json()["title"])
    assert told == ["Invalid request", "Unusable image"]


@pytest.mark.parametrize(("path", "method"), [("/v1/classes", "GET"), ("/v1/encode", "POST"), ("/v1/images", "HEAD")])
def test_every_answer_says_how_much_may_be_asked_for(served: "Served", path: str, method: str) -> None:
    answer = served.ask(path, "read", method, **({"json": {"texts": ["a dress"]}} if method == "POST" else {}))
    assert answer.status_code == 200
    assert answer.headers["ratelimit"].startswith('"key";r=')
    assert answer.headers["ratelimit-policy"] == '"key";q=1200;w=60'
