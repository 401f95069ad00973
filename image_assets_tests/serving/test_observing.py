"""What an operator sees of a service that runs: log, audit trail, numbers, readiness."""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from image_assets.access.keys import add_key
from image_assets.access.roles import Role
from image_assets.serving.application import create_app
from image_assets.serving.observing.parts import Finding, Parts
from image_assets.serving.service import Service
from image_assets.settings import Settings

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served

NOBODYS = "00000000-0000-5000-8000-000000000000"
CANARY = "canary4711"
ODD = ("PROPFIND", "MKCOL", "REPORT", "PURGE")


@pytest.fixture(scope="module")
def own(copy_lake: Callable[[], "Lake"], serve_for_module: Callable[..., "Served"]) -> "Served":
    """A service of its own, with secrets in its settings."""
    secret = {"alert_webhook": f"https://hooks.example/{CANARY}", "mlflow_tracking_uri": f"http://x:{CANARY}@mlflow"}
    return serve_for_module(copy_lake(), **secret)


def log_of(served: "Served", request_id: str) -> Mapping[str, Any]:
    """The line of a request in the access log; every line of the log is JSON."""
    deadline = time.monotonic() + 10
    while True:
        lines = [json.loads(line) for line in (served.lake.folder / "serve.log").read_text().splitlines()]
        access = [line for line in lines if line["logger"] == "image_assets.access"]
        if found := [line for line in access if line["request_id"] == request_id]:
            return found[0]
        assert time.monotonic() < deadline, lines[-5:]
        time.sleep(0.05)


def series(text: str, name: str) -> dict[tuple[str, ...], float]:
    """Values of a metric by the values of its labels, in the order of their names."""
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def test_a_request_is_a_line_of_the_log_with_its_id_and_route(own: "Served") -> None:
    asked = own.ask(f"/v1/images/{NOBODYS}", "read", headers={"X-Request-ID": "my-request-1"})
    line = log_of(own, "my-request-1")
    told = {name: line[name] for name in ("route", "method", "status", "key", "address", "sent_bytes")}
    assert asked.headers["X-Request-ID"] == "my-request-1"
    assert told == {
        "route": "/v1/images/{image_id}",
        "method": "GET",
        "status": 404,
        "key": "reader",
        "address": "127.0.0.1",
        "sent_bytes": len(asked.content),
    }
    assert 0 < line["ms"] < 60_000


@pytest.mark.parametrize("wrong", ["", "x" * 65, "a b", "<script>", "a\u00e4"])
def test_an_id_that_is_none_is_replaced(served: "Served", wrong: str) -> None:
    given = served.ask("/health", headers={"X-Request-ID": wrong.encode()}).headers["X-Request-ID"]
    assert given != wrong
    assert given.isalnum()


def test_no_secret_is_told_by_log_answers_or_numbers(own: "Served") -> None:
    answers = [
        own.ask(f"/v1/images/{NOBODYS}/original", params={"sig": CANARY, "exp": "1", "kid": "2"}),
        own.ask("/v1/images", headers={"Authorization": f"Bearer {CANARY}"}),
        own.ask(f"/{CANARY}"),
        own.ask("/v1/config", "admin"),
        own.ask("/v1/config", "admin", "PATCH", json={"changes": {"alert_webhook": f"https://x/{CANARY}"}}),
        own.ask("/ready"),
        own.ask("/metrics", "admin"),
    ]
    last = own.ask("/health-no-more", headers={"X-Request-ID": "the-last"})
    log_of(own, "the-last")
    for text in [*(each.text for each in answers), last.text, (own.lake.folder / "serve.log").read_text()]:
        assert CANARY not in text
        assert own.lake.keys["admin"][-20:] not in text


def test_a_change_and_a_forbidden_one_are_in_the_audit_trail(own: "Served") -> None:
    body = {"changes": {"max_volume": 9, "classes": "hat"}}
    own.ask("/v1/config", "admin", "PATCH", json=body, headers={"X-Request-ID": "allowed"})
    own.ask("/v1/config", "review", "PATCH", json=body, headers={"X-Request-ID": "forbidden"})
    own.ask("/v1/config", None, "PATCH", json=body)
    log_of(own, "forbidden")
    (allowed,), (forbidden,) = (acts_of(own, request_id) for request_id in ("allowed", "forbidden"))
    assert [allowed[name] for name in ("who", "what", "subjects")] == [
        "adminer",
        "configuration",
        sorted(body["changes"]),
    ]
    assert [forbidden[name] for name in ("who", "what", "result")] == ["reviewer", "change_configuration", "forbidden"]
    assert allowed["where"] == forbidden["where"] == "127.0.0.1"
    # Of somebody without a key nothing is kept, however often he asks.
    assert "" not in {act["who"] for act in acts_of(own)}


def acts_of(served: "Served", request_id: str | None = None) -> Sequence[Mapping[str, Any]]:
    files = sorted((served.lake.root / "audit").rglob("*.jsonl"))
    acts = [json.loads(line) for path in files for line in path.read_text().splitlines()]
    return [act for act in acts if request_id in {None, act["request_id"]}]


def test_all_parts_of_a_healthy_service_are_well(served: "Served") -> None:
    served.ask("/v1/images", "read")
    answer = served.ask("/ready")
    states = {name: part["state"] for name, part in answer.json()["parts"].items()}
    assert answer.status_code == 200
    assert states.pop("model") in {"ok", "loading"}
    assert states == dict.fromkeys(("storage", "keys", "configuration", "tables", "projection", "index"), "ok")


def test_a_part_that_is_damaged_is_named_and_the_others_are_well(own: "Served") -> None:
    own.ask("/v1/config", "admin", "PATCH", json={"changes": {"max_volume": 9}})
    place = max((own.lake.root / "configuration").iterdir())
    whole = place.read_bytes()
    place.write_bytes(b"{")
    time.sleep(1.1)
    answer = own.ask("/ready")
    failed = {name for name, part in answer.json()["parts"].items() if part["state"] == "failed"}
    assert (answer.status_code, failed) == (503, {"configuration"})
    assert str(own.lake.folder) not in answer.text
    place.write_bytes(whole)
    time.sleep(1.1)
    assert own.ask("/ready").status_code == 200


def test_being_alive_needs_nothing_in_the_lake(tmp_path: Path) -> None:
    app = create_app(Settings(root=tmp_path / "not there"))
    with TestClient(app) as client:
        assert client.get("/health").json() == {"status": "alive"}


def test_strangers_make_no_series(served: "Served") -> None:
    for number in range(20):
        served.ask(f"/nothing/{number}")
        served.ask(f"/v1/images/{NOBODYS[:-2]}{number:02}", "read")
        served.ask("/health", method=ODD[number % 4])
    found = series(served.ask("/metrics", "admin").text, "image_assets_http_requests_total")
    mine = ("/nothing", NOBODYS[:8], *ODD)
    assert [labels for labels in found if any(text in str(labels) for text in mine)] == []
    assert found["GET", "none", "404"] >= 20
    assert found["other", "/health", "405"] >= 20


def test_bytes_that_come_in_and_go_out_are_counted(own: "Served") -> None:
    body = json.dumps({"changes": {"classes": "x" * 5_000}}).encode()
    before = own.ask("/metrics", "admin")
    answer = own.ask("/v1/config", "admin", "PATCH", content=body, headers={"Content-Type": "application/json"})
    after = own.ask("/metrics", "admin")
    names = ("image_assets_http_received_bytes_total", "image_assets_http_sent_bytes_total")
    received, sent = ([series(each.text, name).get(("/v1/config",), 0) for each in (before, after)] for name in names)
    assert received[1] - received[0] == len(body)
    assert sent[1] - sent[0] == len(answer.content)


def test_two_applications_in_one_process_have_numbers_of_their_own(tmp_path: Path) -> None:
    found = []
    for requests in (1, 3):
        with TestClient(create_app(Settings(root=tmp_path)), client=("127.0.0.1", 1)) as client:
            for _ in range(requests):
                client.get("/health")
            found.append(series(client.get("/metrics").text, "image_assets_http_requests_total"))
    assert [each["GET", "/health", "200"] for each in found] == [1, 3]


@pytest.mark.parametrize(
    ("is_local", "client", "headers", "status"),
    [
        (True, "127.0.0.1", {}, 200),
        (True, "127.0.0.1", {"X-Forwarded-For": "10.0.0.7"}, 401),
        (True, "127.0.0.1", {"Authorization": "Bearer wrong"}, 401),
        (False, "127.0.0.1", {}, 401),
        (True, "10.0.0.7", {}, 401),
    ],
)
def test_numbers_are_for_this_machine_or_an_admin(
    own_lake: "Lake", is_local: bool, client: str, headers: Mapping[str, str], status: int
) -> None:
    app = create_app(Settings(root=own_lake.root), is_local=is_local)
    with TestClient(app, client=(client, 1)) as asking:
        assert asking.get("/metrics", headers=headers).status_code == status
        admin = {"Authorization": f"Bearer {own_lake.keys['admin']}"}
        assert asking.get("/metrics", headers=admin).status_code == 200


def test_a_request_that_is_under_way_is_seen(tmp_path: Path) -> None:
    app = create_app(Settings(root=tmp_path))
    service: Service = app.state.service
    with TestClient(app, client=("127.0.0.1", 1)) as client:
        during = series(client.get("/metrics").text, "image_assets_http_requests_in_progress")
    after = service.metrics.registry.get_sample_value("image_assets_http_requests_in_progress")
    assert (during[()], after) == (1.0, 0.0)


def test_what_fails_is_counted_as_failed_and_told_with_its_trace(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(Settings(root=tmp_path))

    @app.get("/bug")
    def bug() -> None:
        raise ZeroDivisionError

    with TestClient(app, client=("127.0.0.1", 1)) as client:
        answer = client.get("/bug", headers={"X-Request-ID": "a-bug"})
        found = series(client.get("/metrics").text, "image_assets_http_requests_total")
    assert found["GET", "/bug", "500"] == 1
    assert (answer.status_code, answer.json()["instance"], answer.headers["X-Request-ID"]) == (500, "a-bug", "a-bug")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    (told,) = [record for record in caplog.records if record.exc_info]
    assert told.exc_info[0] is ZeroDivisionError


def test_a_name_of_a_key_is_told_and_the_key_is_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(Settings(root=tmp_path))
    service: Service = app.state.service
    _, text = add_key(service.store, "ann@shop", [Role.ADMIN], service.now())
    with TestClient(app, client=("127.0.0.1", 1)) as client, caplog.at_level("INFO", "image_assets.access"):
        client.get("/v1/config", headers={"Authorization": f"Bearer {text}"})
    (record,) = [each for each in caplog.records if each.name == "image_assets.access"]
    assert record.__dict__["fields"]["key"] == "ann@shop"
    assert text[-40:] not in str(record.__dict__)


def test_files_that_cannot_become_an_image_are_counted_by_reason(own: "Served") -> None:
    name = "image_assets_refused_images_total"
    before = series(own.ask("/metrics", "admin").text, name)
    files = [("files", ("a.jpg", b"no picture", "image/jpeg")), ("files", ("b.jpg", b"", "image/jpeg"))]
    own.ask("/v1/predict_batch", "read", "POST", files=files)
    own.ask("/v1/predict", "read", "POST", content=b"no picture", headers={"Content-Type": "image/jpeg"})
    after = series(own.ask("/metrics", "admin").text, name)
    grown = {reason: count - before.get((reason,), 0) for (reason,), count in after.items()}
    assert {reason: count for reason, count in grown.items() if count} == {"not_an_image": 2, "empty": 1}


def test_a_part_that_hangs_hangs_no_request(tmp_path: Path) -> None:
    app, released = create_app(Settings(root=tmp_path)), threading.Event()
    service: Service = app.state.service

    def hang() -> Finding:
        released.wait(30)
        return Finding()

    service.parts = Parts({"storage": hang}, patience_s=0.2)
    with TestClient(app, client=("127.0.0.1", 1)) as client:
        answers = [client.get(path) for path in ("/ready", "/health", "/metrics")]
        released.set()
    assert [answer.status_code for answer in answers] == [503, 200, 200]
    assert answers[0].json()["parts"]["storage"]["detail"] == "no answer within 0.2 s"
    assert series(answers[2].text, "image_assets_part_state")["storage", "failed"] == 1
