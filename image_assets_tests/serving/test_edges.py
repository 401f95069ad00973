"""The edge of the service: limits of all together, proxies, bodies of strangers, and the end of a service."""

import asyncio
import getpass
import json
import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from image_assets.access.keys import revoke_key
from image_assets.access.sessions import give_mark
from image_assets.configuration import read_configuration
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.serving import held_bodies
from image_assets.serving.application import ROUTERS, create_app
from image_assets.serving.bodies import BodyParams
from image_assets.serving.body_route import BodyRoute
from image_assets.serving.callers import MARK_HEADER, PageReader, Public
from image_assets.serving.gallery import sign_in
from image_assets.serving.gallery.pages import Posted
from image_assets.settings import Settings
from image_assets_tests.serving.conftest import drawn_photo
from image_assets_tests.serving.test_access import guards_of

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served

NOBODYS = "00000000-0000-5000-8000-000000000000"
WRONG = {"Authorization": "Bearer ia_000000000000_" + "x" * 43}
SENDING = [
    (method, route.path.format(**dict.fromkeys(route.param_convertors, NOBODYS)))
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and not any(isinstance(guard, Public) for guard in guards_of(route.dependant))
    for method in sorted(route.methods & {"POST", "PUT", "PATCH"})
]
PARSED = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute) and route.body_field]


def connect(served: "Served") -> socket.socket:
    host, port = served.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def head(method: str, path: str, length: int, *more: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {length}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@pytest.mark.parametrize(("method", "path"), SENDING)
def test_without_a_key_nobody_waits_for_a_body(served: "Served", method: str, path: str) -> None:
    with connect(served) as connection:
        connection.sendall(head(method, path, 1_000, "Content-Type: application/json"))
        assert connection.recv(100).startswith(b"HTTP/1.1 401")


def test_json_that_comes_too_slowly_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_bodies, "BodyParams", partial(BodyParams, window_s=0.2))
    body = json.dumps({"decisions": [{"kind": "undo"}]}).encode()
    assert asyncio.run(asked(create_app(Settings(root=tmp_path)), [body[:5], body[5:9], body[9:]], pause_s=0.15)) == 408


@pytest.mark.parametrize("is_marked", [True, False])
def test_a_form_that_comes_too_slowly_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_marked: bool
) -> None:
    monkeypatch.setattr(held_bodies, "BodyParams", partial(BodyParams, window_s=0.2))
    app, router = create_app(Settings(root=tmp_path)), APIRouter()

    @router.post("/told")
    async def tell(caller: PageReader, form: Posted) -> str:
        return str(form)

    app.include_router(router)
    owner = f"{getpass.getuser()}."
    mark = [(MARK_HEADER.encode(), give_mark(app.state.service.links, owner).encode())] if is_marked else []
    assert asyncio.run(asked(app, [b"a=b", b"&c=", b"d"], pause_s=0.15, path="/told", form=mark)) == 408


def test_what_signs_in_comes_at_once_and_is_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in, "_FORM", replace(sign_in._FORM, window_s=0.2))
    app = create_app(Settings(root=tmp_path))
    slow = asyncio.run(asked(app, [b"key=", b"i", b"a"], pause_s=0.15, path="/sign-in", form=[]))
    long = asyncio.run(asked(app, [b"key=" + b"i" * 10_000, b"a"], pause_s=0.0, path="/sign-in", form=[]))
    assert (slow, long) == (408, 413)


@pytest.mark.parametrize("route", PARSED, ids=lambda route: route.path)
def test_no_route_leaves_it_to_the_framework_to_read_a_body(route: APIRoute) -> None:
    assert isinstance(route, BodyRoute)


def test_a_key_that_is_revoked_while_a_body_comes_has_nothing_done(
    own_lake: "Lake", serve_lake: Callable[..., "Served"]
) -> None:
    served, photo, store = serve_lake(own_lake), drawn_photo("purple", 6), LocalObjectStore(own_lake.root)
    change = b'{"changes": {"rate_limit": "7/minute"}}'
    asks = [
        (
            "anna",
            head("PUT", "/v1/uploads/late.jpg", len(photo), f"Authorization: Bearer {own_lake.keys['anna']}"),
            photo,
        ),
        ("admin", head("PATCH", "/v1/config", len(change), f"Authorization: Bearer {own_lake.keys['admin']}"), change),
    ]
    # It has begun: from here on a request is looked at at once.
    assert {served.ask("/v1/images", name).status_code for name in ("anna", "admin")} == {200}
    before = {*(own_lake.root / "landing").rglob("*")}
    with ExitStack() as stack:
        connections = [stack.enter_context(connect(served)) for _ in asks]
        for connection, (_, said, body) in zip(connections, asks, strict=True):
            connection.sendall(said + body[:10])
        time.sleep(1)
        for name, _, _ in asks:
            revoke_key(store, own_lake.keys[name].split("_")[1], datetime.now(UTC))
        time.sleep(1.1)
        for connection, (_, _, body) in zip(connections, asks, strict=True):
            connection.sendall(body[10:])
            assert connection.recv(100).startswith(b"HTTP/1.1 401")
    assert {*(own_lake.root / "landing").rglob("*")} == before
    assert read_configuration(store) is None


async def asked(
    app: Any,
    pieces: Sequence[bytes],
    pause_s: float,
    path: str = "/v1/reviews",
    form: Sequence[tuple[bytes, bytes]] | None = None,
) -> int:
    """The status that an owner of this machine is answered who sends JSON, or a form, piece by piece."""
    statuses, left = [], list(pieces)

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(pause_s)
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message: dict[str, Any]) -> None:
        statuses.append(message.get("status"))

    kind = b"application/json" if form is None else b"application/x-www-form-urlencoded"
    headers = [(b"host", b"localhost"), (b"content-type", kind), *(form or ())]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    await app(
        {**scope, "http_version": "1.1", "scheme": "http", "client": ("127.0.0.1", 1), "state": {}}, receive, send
    )
    return int(statuses[0] or 0)


def test_all_keys_together_have_so_many_requests(own_lake: "Lake", serve_lake: Callable[..., "Served"]) -> None:
    served = serve_lake(own_lake, rate_limit_all="3/hour")
    answers = [served.ask(f"/v1/images/{NOBODYS}", key) for key in ("admin", "read", "review", "anna")]
    assert [each.status_code for each in answers] == [404, 404, 404, 429]
    assert int(answers[-1].headers["retry-after"]) > 0


def test_a_batch_counts_as_its_items(own_lake: "Lake", serve_lake: Callable[..., "Served"]) -> None:
    served, image_ids = serve_lake(own_lake, rate_limit="8/hour"), own_lake.ids_of("anna")
    asks = [("predict_batch", {"image_ids": image_ids}), ("encode", {"texts": ["dress", "hat", "shirt"]})]
    answers = [served.ask(f"/v1/{path}", "read", "POST", json=body) for path, body in (*asks, *asks[:1])]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert [each.headers["ratelimit"].split(";")[1] for each in answers[:2]] == ["r=5", "r=2"]


def wrong_keys(served: "Served", addresses: Sequence[str]) -> list[int]:
    """Statuses of 33 tries with a wrong key, said to come from addresses in turn."""
    told = [addresses[number % len(addresses)] for number in range(33)]
    return [
        served.ask("/v1/classes", headers={**WRONG, "X-Forwarded-For": f"198.51.100.{number}, {address}"}).status_code
        for number, address in enumerate(told)
    ]


def test_a_stranger_does_not_choose_his_address(own_lake: "Lake", serve_lake: Callable[..., "Served"]) -> None:
    assert wrong_keys(serve_lake(own_lake), [f"203.0.113.{number}" for number in range(33)])[-1] == 429


def test_a_listed_proxy_tells_who_asks_by_what_it_added_itself(
    own_lake: "Lake", serve_lake: Callable[..., "Served"]
) -> None:
    served = serve_lake(own_lake, trusted_proxies="127.0.0.1")
    assert wrong_keys(served, ["203.0.113.7"])[-1] == 429
    assert set(wrong_keys(served, ["203.0.113.8", "203.0.113.9"])) == {401}


def test_whatever_is_wrong_with_a_key_the_answer_is_the_same(served: "Served") -> None:
    key = served.lake.keys["read"]
    wrong = [key[:-1], f"{key[:-43]}{'x' * 43}", key.swapcase(), "ia_000000000000_" + "x" * 43, "x", "é" * 40]
    answers = [served.ask("/v1/classes", headers=[("Authorization", f"Bearer {text}".encode())]) for text in wrong]
    told = [({**each.json(), "instance": ""}, each.headers["www-authenticate"]) for each in answers]
    assert {each.status_code for each in answers} == {401}
    assert told == [told[0]] * len(wrong)


def test_a_service_that_ends_finishes_what_is_under_way_and_tells_others_so(
    own_lake: "Lake", serve_lake: Callable[..., "Served"]
) -> None:
    served, photo = serve_lake(own_lake), drawn_photo("purple", 6)
    said = ("Content-Type: image/jpeg", f"Authorization: Bearer {served.lake.keys['anna']}")
    with connect(served) as under_way:
        under_way.sendall(head("PUT", "/v1/uploads/last.jpg", len(photo), *said) + photo[:1_000])
        time.sleep(0.3)
        served.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        refused = served.ask("/v1/images", "read")
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:image-assets:problem:service-ends")
        assert int(refused.headers["retry-after"]) > 0
        assert served.ask("/health").status_code == 200
        under_way.sendall(photo[1_000:])
        answer = under_way.recv(10_000)
    assert answer.startswith(b"HTTP/1.1 202")
    assert served.process.wait(20) == 0
    landed = [path.read_bytes() for path in (own_lake.root / "landing").rglob("*.jpg")]
    assert landed.count(photo) == 1


def test_what_was_answered_is_in_the_trail_though_the_service_is_killed(
    own_lake: "Lake", serve_lake: Callable[..., "Served"]
) -> None:
    served, image_id = serve_lake(own_lake), own_lake.ids_of("anna")[0]
    changed = served.ask("/v1/config", "admin", "PATCH", json={"changes": {"rate_limit": "900/minute"}})
    erased = served.ask(f"/v1/images/{image_id}", "admin", "DELETE", params={"reason": "wanted"})
    served.process.kill()
    served.process.wait(20)
    trails = (own_lake.root / "audit").rglob("*.jsonl")
    acts = [json.loads(line) for trail in trails for line in trail.read_text().splitlines()]
    assert (changed.status_code, erased.status_code) == (200, 200)
    assert [(each["what"], each["request_id"]) for each in acts] == [
        ("configuration", changed.headers["x-request-id"]),
        ("erasure", erased.headers["x-request-id"]),
    ]


def test_a_client_that_leaves_amid_whatever_it_sent_is_no_longer_under_way(
    own_lake: "Lake", serve_lake: Callable[..., "Served"]
) -> None:
    served = serve_lake(own_lake)
    keys = [f"Authorization: Bearer {served.lake.keys[name]}" for name in ("anna", "read")]
    halves = [
        head("POST", "/v1/images", 5_000, keys[0], "Content-Type: image/jpeg") + b"half",
        head("POST", "/v1/predict_batch", 5_000, keys[1], "Content-Type: application/json") + b'{"image_ids": [',
        head("POST", "/v1/encode", 5_000, keys[1], "Content-Type: multipart/form-data; boundary=x") + b"--x\r\n",
        head("PATCH", "/v1/config", 5_000, keys[0], "Content-Type: application/json") + b"{",
        head("GET", "/v1/images", 5_000, keys[1]) + b"a body that nobody wants",
        head("GET", "/v1/images?q=dress", 0, keys[1]),
    ]
    # More than a quarter of the places, which is what an address has.
    for number in range(132):
        with connect(served) as gone:
            gone.sendall(halves[number % len(halves)])
    deadline = time.monotonic() + 20
    while not served.ask("/metrics", "admin").text.count("\nimage_assets_http_requests_in_progress 1.0\n"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
