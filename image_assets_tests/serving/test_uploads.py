"""Uploads over real HTTP: what is answered with 202 is in the lake for good, and of what is not nothing is left."""

import base64
import hashlib
import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import httpx
import numpy as np
import psutil  # type: ignore[import-untyped]  # it ships no types
import pytest
from PIL import Image

from image_assets.ids import ImageId
from image_assets.lake.local_object_store import STAGING, LocalObjectStore
from image_assets.steps.images.receipts import Receipt, find_pending
from image_assets.steps.images.sidecar import parse_sidecar

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served

KINDS = ("image/jpeg", "multipart/form-data; boundary=b")
FORM_OPENING = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
MAX_BYTES, MAX_FORM_BYTES = 1_000_000, 2_000_000
ODD_NAMES = [
    "../../etc/passwd",
    "..",
    "nul\0.jpg",
    "new\r\nline.jpg",
    "\u202egpj.exe",
    "a/b.jpg",
    "<b>.jpg",
    "\N{DRESS}.JPG",
]


def photo(seed: int, size: int = 48) -> bytes:
    """A JPEG like no other."""
    import io

    pixels = np.random.default_rng(seed).integers(0, 255, (size, size, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


@pytest.fixture(scope="module")
def lake(filled_lake: "Lake", tmp_path_factory: pytest.TempPathFactory) -> "Lake":
    """A copy that these tests fill."""
    folder = tmp_path_factory.mktemp("uploads")
    shutil.copytree(filled_lake.root, folder / "data" / "lake")
    shutil.copy(filled_lake.folder / "dagster.yaml", folder)
    return type(filled_lake)(folder, filled_lake.keys)


SETTINGS = {
    "max_bytes": str(MAX_BYTES),
    "upload_max_bytes": str(MAX_FORM_BYTES),
    "rate_limit": "100000/minute",
    "rate_limit_all": "100000/minute",
}


@pytest.fixture(scope="module")
def served(lake: "Lake", serve_for_module: Callable[..., "Served"]) -> "Served":
    return serve_for_module(lake, **SETTINGS)


@pytest.fixture(autouse=True)
def _nothing_is_left_in_staging(lake: "Lake") -> Iterator[None]:
    yield
    give_up_at = time.monotonic() + 5
    while (left := staged(lake)) and time.monotonic() < give_up_at:
        time.sleep(0.02)
    assert left == []


def staged(lake: "Lake") -> list[str]:
    return [path.name for path in (lake.root / STAGING).rglob("*") if path.is_file()]


def landed(lake: "Lake", day: date | None = None) -> list[Path]:
    folder = lake.root / "landing" / str(day or datetime.now(UTC).date())
    return sorted(path for path in folder.rglob("*") if path.suffix != ".json" and path.is_file())


def put(served: "Served", name: str, data: Any, key: str = "anna", **options: Any) -> httpx.Response:
    return served.ask(f"/v1/uploads/{quote(name, safe='')}", key, "PUT", content=data, **options)


def post(served: "Served", files: list[tuple[str, bytes]], key: str = "anna", **options: Any) -> httpx.Response:
    parts = [("file", (name, data, "image/jpeg")) for name, data in files]
    return served.ask("/v1/images", key, "POST", files=parts, **options)


def result(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 202, answer.text
    (only,) = answer.json()
    told: dict[str, str] = only
    return told


def receipt_of(lake: "Lake", image_id: str) -> Receipt | None:
    today = datetime.now(UTC).date()
    days = [today, today - timedelta(days=1)]
    return find_pending(LocalObjectStore(lake.root), ImageId(image_id), days)


def digest(data: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


def test_every_upload_that_is_answered_is_what_a_run_makes_of_it(
    filled_lake: "Lake", own_lake: "Lake", serve_lake: Callable[..., "Served"]
) -> None:
    served = serve_lake(own_lake, **SETTINGS)
    raw = [("raw.jpg", photo(1))]
    told = {result(put(served, name, data, params={"label": "Dress "}))["image_id"]: name for name, data in raw}
    odd = [(name, photo(100 + number)) for number, name in enumerate(ODD_NAMES)]
    for name, data in odd:
        answer = served.ask(
            "/v1/images", "anna", "POST", content=data, params={"name": name}, headers={"Content-Type": "image/jpeg"}
        )
        told[result(answer)["image_id"]] = name
    form = post(served, [("one.jpg", photo(2)), ("two.jpg", photo(3))], data={"label": "hat"})
    told |= {each["image_id"]: each["file"] for each in form.json()}
    done = own_lake.command("run", "--day", str(datetime.now(UTC).date()))
    assert done.returncode == 0, done.stdout + done.stderr
    rows = own_lake.tables.scan_files(
        [f"tables/bronze_images/{datetime.now(UTC).date()}.parquet"], ["image_id", "raw_name", "label", "user_id"]
    )
    assert dict(rows.select("image_id", "raw_name").iter_rows()) == told
    labels = {name: label for name, label in rows.select("raw_name", "label").iter_rows() if label}
    assert labels == {"raw.jpg": "dress", "one.jpg": "hat", "two.jpg": "hat"}
    assert set(rows["user_id"]) == {"anna"}
    assert not list((own_lake.root / "receipts").rglob("*.json"))
    record = served.ask(f"/v1/images/{next(iter(told))}", "anna").json()
    assert record["state"] in {"done", "indexed"}


def test_an_answer_says_where_the_image_will_be_and_that_it_is_pending(served: "Served", lake: "Lake") -> None:
    data = photo(4)
    answer = put(served, "dress.jpg", data)
    told = result(answer)
    assert answer.headers["location"] == told["status_url"] == f"/v1/images/{told['image_id']}"
    assert told["sha256"] == hashlib.sha256(data).hexdigest()
    receipt = receipt_of(lake, told["image_id"])
    assert receipt is not None
    assert (receipt.user_id, receipt.raw_name, receipt.size_bytes) == ("anna", "dress.jpg", len(data))


def test_one_bad_file_stops_no_other_and_each_is_told_its_own(served: "Served") -> None:
    answer = post(served, [("a.jpg", photo(5)), ("b.jpg", b"<html>"), ("c.jpg", b""), ("d.jpg", photo(6))])
    assert answer.status_code == 202
    assert [(each["file"], each["status"], each.get("problem", {}).get("reason")) for each in answer.json()] == [
        ("a.jpg", "accepted", None),
        ("b.jpg", "refused", "not_an_image"),
        ("c.jpg", "refused", "empty"),
        ("d.jpg", "accepted", None),
    ]


def test_several_labels_are_of_the_files_in_their_order(served: "Served", lake: "Lake") -> None:
    files = [("a.jpg", photo(7)), ("b.jpg", photo(8))]
    answer = post(served, files, data={"label": ["hat", "shoe"]})
    sidecars = [
        json.loads((lake.root / f"{receipt.source_uri}.json").read_text())
        for each in answer.json()
        if (receipt := receipt_of(lake, each["image_id"]))
    ]
    assert [(each["raw_name"], each["label"], each["label_by"]) for each in sidecars] == [
        ("a.jpg", "hat", "anna"), ("b.jpg", "shoe", "anna")
    ]  # fmt: skip
    assert post(served, files, data={"label": ["a", "b", "c"]}).status_code == 422


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello", "not_an_image"),
        (b"%PDF-1.7 and so on", "unsupported_format"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\x08\x02\0\0\0", "too_many_pixels"),
    ],
)
def test_what_the_header_shows_is_refused_with_the_reason_of_the_platform(
    served: "Served", lake: "Lake", data: bytes, reason: str
) -> None:
    before = landed(lake)
    answer = put(served, "x.jpg", data)
    assert (answer.status_code, answer.json()["reason"]) == (422, reason)
    assert answer.headers["content-type"] == "application/problem+json"
    assert landed(lake) == before


def test_when_no_file_can_be_taken_each_is_told_why(served: "Served") -> None:
    answer = post(served, [("a.jpg", b"x"), ("b.jpg", b"y")])
    assert answer.status_code == 422
    assert [each["problem"]["reason"] for each in answer.json()["files"]] == ["not_an_image"] * 2


def test_what_only_decoding_shows_is_accepted_and_becomes_a_row_later(served: "Served") -> None:
    assert result(put(served, "half.jpg", photo(9)[:700]))["status"] == "accepted"


def test_the_same_upload_again_is_the_same_image_and_one_file(served: "Served", lake: "Lake") -> None:
    data = photo(10)
    ids = {result(put(served, "same.jpg", data))["image_id"] for _ in range(2)}
    assert len(ids) == 1
    assert result(put(served, "other.jpg", data))["image_id"] not in ids
    assert result(put(served, "same.jpg", data, "bo"))["image_id"] not in ids
    assert len([path for path in landed(lake) if path.read_bytes() == data]) == 3


def test_many_at_once_with_the_same_file_make_one(served: "Served", lake: "Lake") -> None:
    data, ids = photo(11), []
    threads = [
        threading.Thread(target=lambda: ids.append(result(put(served, "once.jpg", data))["image_id"])) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(ids), len(set(ids))) == (8, 1)
    assert len([path for path in landed(lake) if path.read_bytes() == data]) == 1


def test_a_body_that_is_not_what_its_digest_says_is_refused(served: "Served", lake: "Lake") -> None:
    data, before = photo(12), landed(lake)
    for wrong in (
        digest(b"other"),
        "sha-256=:x:",
        "sha-256=nonsense",
        "sha-256=::",
        "sha-256=:AAAA:",
        f"{digest(data)}, {digest(b'other')}",
        f"{digest(data)},md5=:AAAA:,sha-256=::",
    ):
        answer = put(served, "digest.jpg", data, headers={"Content-Digest": wrong})
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:image-assets:problem:wrong-digest")
    twice = httpx.Headers([("Content-Digest", digest(data)), ("Content-Digest", digest(b"other"))])
    assert put(served, "digest.jpg", data, headers=twice).status_code == 400
    assert landed(lake) == before
    for right in (digest(data), digest(data).replace("sha", "SHA"), f"md5=:AAAA:, {digest(data)}", "md5=:AAAA:"):
        assert put(served, "digest.jpg", data, headers={"Content-Digest": right}).status_code == 202


def test_a_name_may_come_in_either_form_of_content_disposition(served: "Served") -> None:
    for header, name in (
        ('attachment; filename="my dress.jpg"', "my dress.jpg"),
        ("attachment; filename*=UTF-8''kleid%20gr%C3%BCn.jpg", "kleid grün.jpg"),
        ("attachment; filename*=iso-8859-1'de'gr%FCn.jpg", "grün.jpg"),
        ("attachment; filename=\"plain.jpg\"; filename*=UTF-8''gr%C3%BCn.jpg", "grün.jpg"),
        ('attachment; x="; filename=no.jpg"; filename="a \\"b\\".jpg"', 'a "b".jpg'),
        ("nonsense", "upload"),
    ):
        headers = {"Content-Disposition": header, "Content-Type": "image/jpeg"}
        answer = served.ask("/v1/images", "anna", "POST", content=photo(13), headers=headers)
        assert result(answer)["file"] == name


@pytest.mark.parametrize("codec", ["idna", "undefined", "utf-7", "rot13", "no-codec", ""])
def test_who_sends_a_name_picks_no_codec_but_those_of_the_rfc(served: "Served", codec: str) -> None:
    for plain, name in (('; filename="plain.jpg"', "plain.jpg"), ("", "upload")):
        header = f"attachment{plain}; filename*={codec}''xn--a.jpg"
        headers = {"Content-Disposition": header, "Content-Type": "image/jpeg"}
        answer = served.ask("/v1/images", "anna", "POST", content=photo(13), headers=headers)
        assert result(answer)["file"] == name


def test_a_name_in_more_parts_than_can_be_counted_is_none(served: "Served") -> None:
    header = f"attachment; filename*{'9' * 5_000}=x.jpg"
    headers = {"Content-Disposition": header, "Content-Type": "image/jpeg"}
    answer = served.ask("/v1/images", "anna", "POST", content=photo(13), headers=headers)
    assert result(answer)["file"] == "upload"


@pytest.mark.parametrize("name", ["   ", "\t", "\N{NO-BREAK SPACE}"])
def test_the_name_that_is_answered_is_the_one_that_a_run_finds(served: "Served", lake: "Lake", name: str) -> None:
    told = result(post(served, [(name, photo(26))])) if name != "\t" else result(put(served, name, photo(26)))
    receipt = receipt_of(lake, told["image_id"])
    assert receipt is not None
    sidecar = parse_sidecar((lake.root / f"{receipt.source_uri}.json").read_bytes())
    assert (told["file"], sidecar.raw_name, sidecar.problem) == ("upload", "upload", None)


def test_a_user_uploads_for_himself_and_only_an_admin_for_another(served: "Served", lake: "Lake") -> None:
    refused = put(served, "x.jpg", photo(14), params={"on_behalf_of": "bo"})
    assert refused.status_code == 403
    assert post(served, [("x.jpg", photo(14))], data={"on_behalf_of": "bo"}).status_code == 403
    told = result(put(served, "x.jpg", photo(14), "admin", params={"on_behalf_of": "bo"}))
    receipt = receipt_of(lake, told["image_id"])
    assert receipt is not None
    assert receipt.user_id == "bo"


def test_who_may_only_read_uploads_nothing(served: "Served") -> None:
    assert put(served, "x.jpg", photo(15), "read").status_code == 403


@pytest.mark.parametrize(
    ("send", "status"),
    [
        (lambda served: post(served, [(f"{n}.jpg", b"x") for n in range(21)]), 413),
        (lambda served: post(served, [("a.jpg", photo(1))], data={f"f{n}": "x" for n in range(60)}), 413),
        (lambda served: post(served, [("a.jpg", photo(1))], data={"label": "x" * 9_000}), 413),
        (lambda served: post(served, [("a.jpg", photo(1))], data={"image_id": "x"}), 422),
        (lambda served: post(served, [("a.jpg", photo(1))], data={"label": " \u200b"}), 422),
        (lambda served: post(served, [("a.jpg", photo(1))], "admin", data={"on_behalf_of": "  "}), 422),
        (lambda served: put(served, "a.jpg", photo(1), "admin", params={"on_behalf_of": " "}), 422),
        (lambda served: post(served, [("x" * 256 + ".jpg", photo(1))]), 422),
        (lambda served: post(served, [("x", photo(1))], headers={"Content-Type": "multipart/form-data"}), 400),
        (lambda served: served.ask("/v1/images", "anna", "POST", json={}), 415),
        (lambda served: served.ask("/v1/images", "anna", "POST"), 415),
        (lambda served: put(served, "x.jpg", photo(1), params={"label": "x" * 256}), 422),
        (lambda served: put(served, "x.jpg", photo(1), headers={"Idempotency-Key": "x" * 256}), 422),
    ],
)
def test_what_is_more_than_anybody_needs_or_no_upload_is_refused(
    served: "Served", lake: "Lake", send: Callable[["Served"], httpx.Response], status: int
) -> None:
    before = landed(lake)
    answer = send(served)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert landed(lake) == before


def test_a_body_over_the_limit_is_refused_before_it_is_read_where_its_length_is_told(served: "Served") -> None:
    with connected(served) as client:
        head = (
            f"PUT /v1/uploads/x.jpg HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {served.lake.keys['anna']}\r\n"
        )
        client.sendall(f"{head}Content-Length: {MAX_BYTES + 1}\r\n\r\n".encode())
        assert client.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("is_form", [False, True])
def test_a_body_over_the_limit_is_read_no_further_than_that(served: "Served", lake: "Lake", is_form: bool) -> None:
    limit = MAX_FORM_BYTES if is_form else MAX_BYTES
    opening = FORM_OPENING if is_form else b""
    with connected(served) as client:
        client.sendall(
            f"POST /v1/images HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {served.lake.keys['anna']}\r\n"
            f"Content-Type: {KINDS[is_form]}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        piece = opening + photo(1) + bytes(16_000)
        with suppress(OSError):
            for _ in range(1_000):
                client.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
                piece = bytes(16_000)
        assert client.recv(100).startswith(b"HTTP/1.1 413")
    lines = [json.loads(line) for line in (lake.folder / "serve.log").read_text().splitlines() if line[:1] == "{"]
    read = [line["received_bytes"] for line in lines if line.get("status") == 413][-1]
    # What the server has in hand when it is told to stop: its buffer and one read from the socket.
    assert limit < read <= limit + 65_536 + 262_144


def connected(served: "Served") -> socket.socket:
    address = urlsplit(served.url)
    return socket.create_connection((address.hostname or "", address.port or 0), timeout=20)


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_client_that_leaves_in_the_middle_nothing_is_left(served: "Served", lake: "Lake", kind: str) -> None:
    before = landed(lake)
    opening = FORM_OPENING if "form" in kind else b""
    with connected(served) as client:
        client.sendall(
            f"POST /v1/images HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {served.lake.keys['anna']}\r\n"
            f"Content-Type: {kind}\r\nContent-Length: 900000\r\n\r\n".encode()
        )
        client.sendall(opening + photo(16) + bytes(850_000))
        give_up_at = time.monotonic() + 10
        while not staged(lake):
            assert time.monotonic() < give_up_at
            time.sleep(0.01)
    give_up_at = time.monotonic() + 10
    while staged(lake):
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
    assert landed(lake) == before
    assert "a bug" not in (lake.folder / "serve.log").read_text()


def test_a_form_without_its_end_lands_nothing(served: "Served", lake: "Lake") -> None:
    before = landed(lake)
    headers = {"Content-Type": KINDS[True]}
    answer = served.ask("/v1/images", "anna", "POST", content=FORM_OPENING + photo(17), headers=headers)
    assert answer.status_code == 400
    assert landed(lake) == before


def test_the_same_request_under_its_key_is_answered_alike_and_another_is_refused(served: "Served") -> None:
    key = {"Idempotency-Key": "once"}
    first = put(served, "k.jpg", photo(18), headers=key)
    again = put(served, "k.jpg", photo(18), headers=key)
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert (first.headers.get("idempotent-replayed"), again.headers["idempotent-replayed"]) == (None, "true")
    for other in (
        put(served, "k.jpg", photo(19), headers=key),
        put(served, "k2.jpg", photo(18), headers=key),
        put(served, "k.jpg", photo(18), headers=key, params={"label": "hat"}),
        post(served, [("k.jpg", photo(18))], headers=key),
    ):
        assert (other.status_code, other.json()["type"]) == (422, "urn:image-assets:problem:idempotency-key-reused")
    assert "idempotent-replayed" not in put(served, "k.jpg", photo(18), "bo", headers=key).headers


def test_a_form_is_the_same_whatever_boundary_it_has_and_a_refusal_is_remembered_too(served: "Served") -> None:
    files = [("a.jpg", photo(20)), ("b.jpg", b"no picture")]
    answers = [post(served, files, headers={"Idempotency-Key": "form"}) for _ in range(2)]
    assert answers[1].headers["idempotent-replayed"] == "true"
    refusals = [put(served, "x", b"no picture", headers={"Idempotency-Key": "refused"}) for _ in range(2)]
    assert refusals[0].content == refusals[1].content
    assert (refusals[1].status_code, refusals[1].headers["content-type"]) == (422, "application/problem+json")


def test_while_a_request_under_the_key_is_under_way_another_is_told_so(served: "Served", lake: "Lake") -> None:
    with connected(served) as client:
        client.sendall(
            f"PUT /v1/uploads/x.jpg HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {served.lake.keys['anna']}\r\n"
            f"Idempotency-Key: slow\r\nContent-Length: 900000\r\n\r\n".encode()
        )
        client.sendall(photo(21) + bytes(850_000))
        give_up_at = time.monotonic() + 10
        while not staged(lake):
            assert time.monotonic() < give_up_at
            time.sleep(0.01)
        answer = put(served, "x.jpg", photo(21), headers={"Idempotency-Key": "slow"})
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:image-assets:problem:still-under-way")
        assert int(answer.headers["retry-after"]) > 0


def test_an_answer_is_remembered_when_the_service_has_started_again(
    own_lake: "Lake", serve_lake: Callable[..., "Served"]
) -> None:
    first = serve_lake(own_lake)
    told = put(first, "k.jpg", photo(22), headers={"Idempotency-Key": "once"})
    first.process.kill()
    first.process.wait()
    again = put(serve_lake(own_lake), "k.jpg", photo(22), headers={"Idempotency-Key": "once"})
    assert (again.content, again.headers["idempotent-replayed"]) == (told.content, "true")


def test_what_was_uploaded_is_in_the_audit_trail(served: "Served", lake: "Lake") -> None:
    told = result(put(served, "secret name.jpg", photo(23), headers={"X-Request-ID": "audited-7"}))
    (line,) = [
        json.loads(line)
        for file in (lake.root / "audit").rglob("*.jsonl")
        for line in file.read_text().splitlines()
        if "audited-7" in line
    ]
    assert (line["who"], line["what"], line["subjects"], line["result"]) == (
        "anna", "upload", [told["image_id"]], "accepted"
    )  # fmt: skip
    assert "secret name" not in json.dumps(line)


def test_who_sends_slowly_keeps_only_himself_waiting(served: "Served") -> None:
    head = f"PUT /v1/uploads/x.jpg HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {served.lake.keys['bo']}\r\n"
    with ExitStack() as held:
        for _ in range(16):
            client = held.enter_context(connected(served))
            client.sendall(f"{head}Content-Length: 900000\r\nExpect: 100-continue\r\n\r\n".encode())
            assert client.recv(100).startswith(b"HTTP/1.1 100")
        refused = put(served, "y.jpg", photo(27), "bo")
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:image-assets:problem:too-many-uploads")
        assert int(refused.headers["retry-after"]) > 0
        assert put(served, "y.jpg", photo(27), "anna").status_code == 202
    give_up_at = time.monotonic() + 10
    while put(served, "y.jpg", photo(27), "bo").status_code != 202:
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def settled_rss(process: psutil.Process) -> int:
    """Memory once what the service opens beside requests is open."""
    give_up_at, seen = time.monotonic() + 20, [0]
    while (time.monotonic() < give_up_at and max(seen[-6:]) - min(seen[-6:]) > 2**20) or len(seen) < 7:
        time.sleep(0.25)
        seen.append(process.memory_info().rss)
    return seen[-1]


def test_large_uploads_at_once_take_little_memory_and_the_service_stays_awake(
    own_lake: "Lake", serve_lake: Callable[..., "Served"]
) -> None:
    served = serve_lake(own_lake)
    data = photo(24) + os.urandom(12_000_000)
    put(served, "warm.jpg", data)
    process = psutil.Process(served.process.pid)
    before, most, slowest = settled_rss(process), 0, 0.0
    threads = [threading.Thread(target=put, args=(served, f"{number}.jpg", data)) for number in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        began = time.monotonic()
        served.ask("/health")
        slowest, most = max(slowest, time.monotonic() - began), max(most, process.memory_info().rss)
    assert most - before <= 40 * 2**20
    assert slowest < 2.0


def test_who_uploads_finds_what_waits_and_nobody_else_does(served: "Served") -> None:
    older, newest = (result(put(served, f"{name}.jpg", photo(70 + name)))["image_id"] for name in range(2))
    mine = served.ask("/v1/uploads", "anna").json()["items"]
    assert [(each["image_id"], each["raw_name"], each["state"]) for each in mine[:2]] == [
        (newest, "1.jpg", "pending"), (older, "0.jpg", "pending")
    ]  # fmt: skip
    assert served.ask(mine[0]["record"], "anna").json()["state"] == "pending"
    for key in ("bo", "admin"):
        others = served.ask("/v1/uploads", key).json()["items"]
        assert newest not in {each["image_id"] for each in others}


def test_an_admin_pages_through_anybody_s_uploads_and_others_through_their_own(served: "Served") -> None:
    older, newest = (result(put(served, f"{name}.jpg", photo(72 + name)))["image_id"] for name in range(2))
    asked = {"user": "anna", "state": "pending", "page_size": 1}
    first = served.ask("/v1/uploads", "admin", params=asked).json()
    assert [each["image_id"] for each in first["items"]] == [newest]
    token = {"page_token": first["next_page_token"]}
    second = served.ask("/v1/uploads", "admin", params=asked | token).json()
    assert [each["image_id"] for each in second["items"]] == [older]
    assert served.ask("/v1/uploads", "bo", params=token).status_code == 422
    assert served.ask("/v1/uploads", "bo", params={"user": "anna"}).status_code == 403
