"""Models over HTTP: the same answers as the command line and the runs give, and bad input told by its reason."""

import base64
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
import pytest

from image_assets.imaging.decode import decode_within
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.classifiers.linear_classifier import LinearClassifier
from image_assets.models.encoders.encoder import Placement
from image_assets.models.encoders.lazy_encoder import open_encoder
from image_assets.serving.held_bodies import HeldBodies
from image_assets.serving.problems import Problem
from image_assets.serving.sent_pictures import SentPicture
from image_assets.steps.classification.champion import ClassifierCard, digests_of, keep_classifier, promote
from image_assets.steps.classification.models_in_use import model_in_use
from image_assets.tables.images import SILVER_MAX_SIDE_PX
from image_assets.tables.predictions import predictions_table

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served

JPEG = {"Content-Type": "image/jpeg"}
SAID = ("label", "confidence_ratio", "top_labels", "needs_review", "model_version")
NOBODYS = "00000000-0000-5000-8000-000000000000"


@pytest.fixture(scope="session")
def photo(filled_lake: "Lake") -> bytes:
    """The file of one of anna's photos."""
    (original,) = filled_lake.root.glob(f"bronze/**/{filled_lake.ids_of('anna')[0]}.*")
    return original.read_bytes()


def stored(tables: ParquetTables) -> list[dict[str, object]]:
    """What the runs have kept of every accepted image."""
    table = predictions_table(str(model_in_use(tables.store)))
    return list(tables.scan(table, ["image_id", *SAID]).iter_rows(named=True))


def test_an_image_of_the_lake_is_predicted_as_its_run_predicted_it(served: "Served", filled_lake: "Lake") -> None:
    rows = stored(filled_lake.tables)
    ids = [row["image_id"] for row in rows]
    answer = served.ask("/v1/predict_batch", "read", "POST", json={"image_ids": ids})
    found = answer.json()["results"]
    assert [each["image_id"] for each in found] == ids
    for row, each in zip(rows, found, strict=True):
        said = each["prediction"]
        assert {name: said[name] for name in ("label", "needs_review", "model_version")} == {
            name: row[name] for name in ("label", "needs_review", "model_version")
        }
        assert said["confidence_ratio"] == pytest.approx(row["confidence_ratio"], abs=1e-6)


def test_a_picture_has_the_vector_that_a_search_by_it_is_made_with(served: "Served", photo: bytes) -> None:
    answer = served.ask("/v1/encode", "read", "POST", content=photo, headers=JPEG).json()
    encoder = open_encoder("builtin", None, Placement(precision="fp32"))
    expected = encoder.encode_images([decode_within(photo, SILVER_MAX_SIDE_PX)])
    facts = encoder.description
    assert (answer["encoder"], answer["revision"], answer["dimension"]) == (
        facts.name,
        facts.revision,
        facts.dimension,
    )
    np.testing.assert_allclose(answer["vectors"], expected, atol=0.02)


@pytest.mark.parametrize("body", [{"json": {"texts": ["a red dress", "shoes"]}}, {"files": "two"}])
def test_vectors_come_as_numbers_or_as_their_bytes(served: "Served", photo: bytes, body: dict[str, object]) -> None:
    if "files" in body:
        body = {"files": [("file", ("a.jpg", photo)), ("file", ("b.jpg", photo))]}
    numbers, written = (
        served.ask("/v1/encode", "read", "POST", params={"encoding": encoding}, **body).json()["vectors"]
        for encoding in ("float", "base64")
    )
    read = [np.frombuffer(base64.b64decode(each), "<f4") for each in written]
    np.testing.assert_array_equal(np.array(numbers, np.float32), read)
    np.testing.assert_allclose(np.linalg.norm(read, axis=1), 1, rtol=1e-5)


def test_a_file_of_a_form_is_the_same_as_a_body(served: "Served", photo: bytes) -> None:
    body = served.ask("/v1/predict", "read", "POST", content=photo, headers=JPEG)
    form = served.ask("/v1/predict", "read", "POST", files={"file": ("photo.jpg", photo)})
    assert body.json() == form.json()
    assert set(SAID) == set(body.json())


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "empty"), (b"<svg onload='alert(1)'/>", "unsupported_format"), (b"\xff\xd8\xff\xe0", "truncated")],
)
@pytest.mark.parametrize("path", ["/v1/predict", "/v1/encode"])
def test_what_is_no_picture_is_refused_for_its_reason(served: "Served", path: str, data: bytes, reason: str) -> None:
    refused = served.ask(path, "read", "POST", content=data, headers=JPEG)
    assert (refused.status_code, refused.json()["reason"]) == (422, reason)


def test_a_file_without_a_vector_is_named_among_all_files(served: "Served", photo: bytes) -> None:
    files = [("file", ("a.jpg", photo)), ("file", ("b.jpg", b"text"))]
    refused = served.ask("/v1/encode", "read", "POST", files=files)
    assert (refused.status_code, [each["pointer"] for each in refused.json()["errors"]]) == (422, ["/file/1"])


@pytest.mark.parametrize(
    ("path", "request_body", "status"),
    [
        ("/v1/predict", {"content": b"x", "headers": {"Content-Type": "text/html"}}, 415),
        ("/v1/predict", {}, 415),
        ("/v1/predict", {"json": {"image_id": NOBODYS}}, 404),
        ("/v1/predict", {"json": {"image_id": "../../etc"}}, 422),
        ("/v1/predict", {"json": {"image_url": "http://localhost/x.jpg"}}, 422),
        ("/v1/predict", {"content": b"{", "headers": {"Content-Type": "application/json"}}, 422),
        ("/v1/predict", {"files": [("file", ("a", b"x")), ("file", ("b", b"x"))]}, 422),
        ("/v1/predict_batch", {"files": [("file", (str(number), b"x")) for number in range(65)]}, 413),
        ("/v1/predict_batch", {"json": {"image_ids": [NOBODYS] * 65}}, 422),
        ("/v1/encode", {"json": {"texts": []}}, 422),
        ("/v1/encode", {"json": {"texts": [" "]}}, 422),
        ("/v1/encode", {"json": {"texts": ["x" * 501]}}, 422),
        ("/v1/encode", {"json": {"texts": ["x"], "more": 1}}, 422),
        ("/v1/predict", {"content": bytes(2**26 + 1), "headers": JPEG}, 413),
    ],
)
def test_a_request_that_makes_no_sense_is_told_so(
    served: "Served", path: str, request_body: dict[str, object], status: int
) -> None:
    refused = served.ask(path, "read", "POST", **request_body)
    assert (refused.status_code, refused.headers["content-type"]) == (status, "application/problem+json")


def test_an_unknown_image_among_others_costs_only_itself(served: "Served", filled_lake: "Lake") -> None:
    known = filled_lake.ids_of("anna")[0]
    answer = served.ask("/v1/predict_batch", "read", "POST", json={"image_ids": [NOBODYS, known]})
    first, second = answer.json()["results"]
    assert (first["problem"]["status"], "prediction" in second) == (404, True)


def test_another_champion_predicts_without_a_restart(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], photo: bytes
) -> None:
    service = serve_lake(own_lake)
    before = service.ask("/v1/classes", "read").json()
    assert (before["is_zero_shot"], "dress" in before["labels"]) == (True, True)
    store, encoder = own_lake.tables.store, open_encoder("builtin", None, Placement()).description
    weights = np.zeros((encoder.dimension, 2), np.float32)
    files = LinearClassifier(("cherry", "sky"), weights, np.array([0.1, 0], np.float32)).files()
    card = ClassifierCard("head-1", "head", (encoder.name, encoder.revision), "2026", "1", digests_of(files))
    keep_classifier(store, card, files)
    promote(store, "head-1")
    versions = (service.ask("/v1/classes", "read").json()["model_version"] for _ in range(1_000))
    assert "head-1" in versions
    said = service.ask("/v1/predict", "read", "POST", content=photo, headers=JPEG).json()
    assert (said["label"], said["model_version"], said["needs_review"]) == ("cherry", "head-1", True)


def test_a_batch_that_is_sent_again_is_answered_alike(served: "Served", photo: bytes) -> None:
    headers = {"Idempotency-Key": "predict-1"}
    first, again = (
        served.ask("/v1/predict_batch", "read", "POST", files={"file": ("a.jpg", photo)}, headers=headers)
        for _ in range(2)
    )
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    other = served.ask("/v1/predict_batch", "read", "POST", files={"file": ("a.jpg", b"other")}, headers=headers)
    assert other.status_code == 422


def test_the_model_is_a_part_that_is_ready(served: "Served", photo: bytes) -> None:
    assert served.ask("/v1/predict", "read", "POST", content=photo, headers=JPEG).status_code == 200
    assert served.ask("/ready").json()["parts"]["model"]["state"] == "ok"
    assert "image_assets_model_computed_items_total" in served.ask("/metrics", "admin").text


def announcing(served: "Served", path: str, key: str, size_bytes: int) -> tuple[socket.socket, bytes]:
    """The connection of a request whose body is still to be sent, and what the service says to that."""
    address = urlsplit(served.url)
    client = socket.create_connection((address.hostname or "", address.port or 0), timeout=20)
    head = f"POST /v1/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {served.lake.keys[key]}\r\n"
    told = f"Content-Type: image/jpeg\r\nContent-Length: {size_bytes}\r\nExpect: 100-continue\r\n\r\n"
    client.sendall((head + told).encode())
    said = client.recv(2_000)
    while said.startswith(b"HTTP/1.1 503") and (more := client.recv(2_000)):
        said += more
    return client, said


def answered(served: "Served", path: str, key: str, size_bytes: int) -> bytes:
    client, said = announcing(served, path, key, size_bytes)
    client.close()
    return said


def until_answered(served: "Served", status: int) -> bytes:
    give_up_at = time.monotonic() + 20
    while not (said := answered(served, "predict", "read", 34 * 2**20)).startswith(b"HTTP/1.1 %d" % status):
        assert time.monotonic() < give_up_at
        time.sleep(0.02)
    return said.lower()


def test_bodies_are_held_within_a_share_of_each_caller(
    filled_lake: "Lake", serve_lake: "Callable[..., Served]", photo: bytes
) -> None:
    served = serve_lake(filled_lake)
    client, said = announcing(served, "predict", "read", 60 * 2**20)
    with client:
        assert said.startswith(b"HTTP/1.1 100")
        client.sendall(bytes(34 * 2**20))
        refused = until_answered(served, 503)
        assert b"retry-after: 2" in refused
        assert b"urn:image-assets:problem:too-many-bodies" in refused
        for path in ("predict_batch", "encode", "search"):
            assert answered(served, path, "read", 34 * 2**20).startswith(b"HTTP/1.1 503")
        assert answered(served, "predict", "review", 34 * 2**20).startswith(b"HTTP/1.1 100")
        assert served.ask("/v1/predict", "read", "POST", content=photo, headers=JPEG).status_code == 200
    until_answered(served, 100)


def test_bodies_of_all_callers_together_are_held_within_the_room() -> None:
    bodies, share = HeldBodies(), 64 * 2**20
    with ExitStack() as held:
        for number in range(4):
            held.enter_context(bodies.one()).of(f"caller {number}").take(share - 1)
        with pytest.raises(Problem) as refused, bodies.one() as body:
            body.of("another").take(5)
        assert (refused.value.kind.status, refused.value.headers["Retry-After"]) == (503, "2")
        with bodies.one() as body:
            body.of("another").take(4)
    with bodies.one() as body:
        body.of("another").take(share)


def test_a_picture_is_kept_once_however_often_it_is_read() -> None:
    picture = SentPicture("a.jpg", [b"a", b"b"])
    assert picture.data is picture.data
    assert picture.pieces == [b"ab"]
