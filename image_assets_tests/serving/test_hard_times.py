"""The service while something is wrong: its storage, its model, its callers' manners."""

import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from image_assets.access.keys import add_key
from image_assets.access.roles import Role
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets_tests.serving.conftest import SCRIPT, drawn_photo, environment, until

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served

JPEG = {"Content-Type": "image/jpeg"}
NOW = datetime.now(UTC)


@pytest.mark.parametrize("is_empty_folder", [True, False])
def test_a_lake_that_goes_away_lets_nobody_in_takes_nothing_and_comes_back(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], is_empty_folder: bool
) -> None:
    served, image_id = serve_lake(own_lake), own_lake.ids_of("anna")[0]
    link = served.ask(f"/v1/images/{image_id}", "read").json()["links"]["thumbnail"]
    away = own_lake.root.with_name("away")
    own_lake.root.rename(away)
    if is_empty_folder:
        own_lake.root.mkdir()
    assert until(lambda: served.ask("/v1/config").status_code == 503)
    assert served.ask("/v1/images", "anna", "POST", content=drawn_photo("red", 9), headers=JPEG).status_code == 503
    assert served.ask(f"/v1/images/{image_id}", "read").status_code == 503
    assert served.ask(link).status_code == 503
    assert until(lambda: served.ask("/ready").status_code == 503)
    assert served.ask("/health").status_code == 200
    shutil.rmtree(own_lake.root, ignore_errors=True)
    away.rename(own_lake.root)
    assert until(lambda: served.ask(f"/v1/images/{image_id}", "read").status_code == 200)
    assert served.ask("/v1/config").status_code == 401


@pytest.mark.parametrize("is_empty_folder", [True, False])
def test_nothing_is_written_where_the_lake_was(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], is_empty_folder: bool
) -> None:
    served, change = serve_lake(own_lake), {"changes": {"rate_limit": "900/minute"}}
    assert served.ask("/v1/config", "admin").status_code == 200
    away = own_lake.root.with_name("away")
    own_lake.root.rename(away)
    if is_empty_folder:
        own_lake.root.mkdir()
    # Within the second in which keys and settings are not read again.
    told = [
        served.ask("/v1/config", "admin", "PATCH", json=change),
        served.ask("/v1/images", "anna", "POST", content=drawn_photo("red", 9), headers=JPEG),
    ]
    served.ask("/v1/config", "read", "PATCH", json=change)
    assert {each.status_code for each in told} == {503}
    time.sleep(1.1)
    served.ask("/v1/images?q=dress", "read")
    assert own_lake.root.exists() == is_empty_folder
    assert not [*own_lake.root.rglob("*")]


def test_a_damaged_key_or_lease_stops_nobody_else(own_lake: "Lake", serve_lake: Callable[..., "Served"]) -> None:
    served, key_id = serve_lake(own_lake), own_lake.keys["bo"].split("_")[1]
    assert served.ask("/v1/reviews", "review").status_code == 200
    lease, *_ = (own_lake.root / "leases").iterdir()
    lease.write_bytes(b"")
    (own_lake.root / "access" / "keys" / f"{key_id}.json").write_bytes(b"")
    assert until(lambda: served.ask("/v1/images", "bo").status_code == 401)
    assert served.ask("/v1/reviews", "review").status_code == 200
    assert b"reviewer" in lease.read_bytes()
    ready = served.ask("/ready")
    keys = ready.json()["parts"]["keys"]
    assert (ready.status_code, keys["state"], keys["detail"][:9]) == (200, "degraded", "1 damaged")


def test_a_damaged_mark_of_the_lake_is_told_as_a_storage_that_is_not_there(
    own_lake: "Lake", serve_lake: Callable[..., "Served"]
) -> None:
    served, mark = serve_lake(own_lake), own_lake.root / "lake.json"
    assert served.ask("/v1/images", "read").status_code == 200
    whole = mark.read_bytes()
    mark.write_bytes(b"")
    assert until(lambda: served.ask("/v1/images", "read").status_code == 503)
    mark.write_bytes(whole)
    assert until(lambda: served.ask("/v1/images", "read").status_code == 200)


@pytest.mark.parametrize("lost", ["access", "access/keys"])
def test_a_lake_whose_keys_are_gone_is_open_to_nobody(own_lake: "Lake", lost: str) -> None:
    assert add_key(LocalObjectStore(own_lake.root), "boss", [Role.ADMIN], NOW)
    shutil.rmtree(own_lake.root / lost)
    refused = own_lake.command("serve", "--port", "0")
    assert (refused.returncode, "keys were made" in refused.stderr) == (1, True), refused.stderr


def test_keys_of_before_the_mark_are_remembered(own_lake: "Lake", serve_lake: Callable[..., "Served"]) -> None:
    (own_lake.root / "lake.json").unlink()
    serve_lake(own_lake)
    assert '"has_keys": true' in (own_lake.root / "lake.json").read_text()


def test_what_cannot_be_changed_for_now_is_told_so(own_lake: "Lake", serve_lake: Callable[..., "Served"]) -> None:
    served, image_id = serve_lake(own_lake), own_lake.ids_of("anna")[0]
    assert served.ask("/v1/images", "read").status_code == 200
    with read_only(own_lake.root):
        told = [
            served.ask("/v1/images", "anna", "POST", content=drawn_photo("red", 9), headers=JPEG),
            served.ask("/v1/config", "admin", "PATCH", json={"changes": {"rate_limit": "900/minute"}}),
            served.ask(f"/v1/images/{image_id}?reason=ticket", "admin", "DELETE"),
        ]
        assert [each.status_code for each in told] == [503] * 3, [each.text for each in told]
        assert {each.json()["title"] for each in told} == {"Storage unavailable"}
        details = [each.json()["detail"] for each in told]
        assert all("read-only" in each for each in details), details
        assert served.ask(f"/v1/images/{image_id}", "read").status_code == 200


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A folder that takes no change meanwhile, not by root either."""
    for arguments in (["--bind", folder, folder], ["-o", "remount,ro,bind", folder]):
        done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_half_a_request_on_every_connection_keeps_nobody_out(
    own_lake: "Lake", serve_lake: Callable[..., "Served"]
) -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    # The service has as few as this, and cannot have more.
    with served_with_descriptors(400, own_lake) as url, ExitStack() as stack:
        host, port = url.removeprefix("http://").split(":")
        for _ in range(min(700, soft - 200)):
            half = stack.enter_context(socket.create_connection((host, int(port)), timeout=30))
            half.sendall(b"GET /v1/images HTTP/1.1\r\nHost: localh")
        began = time.monotonic()
        read = {"Authorization": f"Bearer {own_lake.keys['read']}"}
        assert httpx.get(f"{url}/health", timeout=5).status_code == 200
        assert httpx.get(f"{url}/v1/images", headers=read, timeout=5).status_code == 200
        assert time.monotonic() - began < 5


@contextmanager
def served_with_descriptors(most: int, lake: "Lake") -> Iterator[str]:
    """A service that may open so many files."""
    limited = ["bash", "-c", f'ulimit -n {most}; exec "$@"', "serve", SCRIPT, "serve", "--port", "0"]
    own = {**environment(lake), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(limited, cwd=lake.folder, env=own, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()


def test_without_a_model_whatever_needs_none_goes_on(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], tmp_path: Path
) -> None:
    (tmp_path / "none").mkdir()
    served = serve_lake(own_lake, encoder=str(tmp_path / "none"))
    image_id = own_lake.ids_of("anna")[0]
    paths = ["/v1/images", f"/v1/images/{image_id}", f"/v1/images/{image_id}/thumbnail", "/v1/reviews"]
    assert {path: served.ask(path, "review").status_code for path in paths} == dict.fromkeys(paths, 200)
    assert served.ask("/v1/search?text=dress", "read").status_code == 503


def test_connections_on_which_nothing_is_asked_keep_nobody_out(served: "Served") -> None:
    host, port = served.url.removeprefix("http://").split(":")
    with ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection((host, int(port)), timeout=30)) for _ in range(1_010)]
        assert served.ask("/health").status_code == 200
        assert served.ask("/v1/images", "read").status_code == 200
        assert silent[0].recv(1) == b"", "closed after a while"


def test_a_right_key_is_let_in_whatever_wrong_ones_came_from_its_address(
    own_lake: "Lake", serve_lake: Callable[..., "Served"]
) -> None:
    served = serve_lake(own_lake)
    wrong = {"Authorization": "Bearer ia_000000000000_" + "x" * 43}
    statuses = {served.ask("/v1/classes", headers=wrong).status_code for _ in range(40)}
    assert statuses == {401, 429}
    assert served.ask("/v1/images", "read").status_code == 200


@pytest.mark.parametrize("header", ["Forwarded", "Via", "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Proto"])
def test_what_a_proxy_passes_on_is_not_asked_by_the_owner(served: "Served", header: str) -> None:
    assert served.ask("/metrics").status_code == 200
    assert served.ask("/metrics", headers={header: "203.0.113.7"}).status_code == 401


def test_what_speaks_like_a_proxy_is_not_the_owner(served: "Served") -> None:
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert b" 401 " in connection.recv(100)


def test_a_name_alone_makes_no_owner(own_lake: "Lake", serve_lake: Callable[..., "Served"]) -> None:
    store = LocalObjectStore(own_lake.root)
    keys = {
        "reads as anna": add_key(store, "anna", [Role.READ], NOW)[1],
        "reads and uploads": add_key(store, "bo", [Role.READ, Role.UPLOAD], NOW)[1],
    }
    served = serve_lake(type(own_lake)(own_lake.folder, {**own_lake.keys, **keys}))
    path = f"/v1/images/{own_lake.ids_of('anna')[0]}"
    for key in keys:
        told = served.ask(path, key).json()
        assert (told["raw_name"], told["user_id"], told["links"]["original"]) == (None, None, None)
        assert served.ask(f"{path}/original", key).status_code == 403


def test_an_uploader_learns_why_the_own_file_was_refused(served: "Served") -> None:
    rows = served.lake.tables.scan_files(["tables/rejected_images/2026-03-15.parquet"], ["image_id", "detail"])
    told = served.ask(f"/v1/images/{rows['image_id'][0]}", "bo").json()
    assert told["detail"] == rows["detail"][0]


def test_the_roles_are_typed_as_they_are_written(own_lake: "Lake") -> None:
    made = own_lake.command("keys", "add", "shop", "--role", "upload", "--role", "read")
    assert made.returncode == 0, made.stderr
    assert made.stdout.splitlines()[-1].startswith("ia_")
