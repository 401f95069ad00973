"""Bodies that come too slowly, disks without room, answers of other days: what takes longer than a test may."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request, Response
from fastapi.testclient import TestClient

from image_assets.errors import StorageError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.local_object_store import STAGING, LocalObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.serving.answers import Answers
from image_assets.serving.application import create_app
from image_assets.serving.arrivals import UploadLanes
from image_assets.serving.bodies import BodyParams, read_pieces
from image_assets.serving.forms import Form
from image_assets.serving.problems import Problem
from image_assets.serving.sent_pictures import SentPicture
from image_assets.settings import Settings
from image_assets_tests.serving.conftest import drawn_photo

JPEG = {"Content-Type": "image/jpeg"}


def request_of(messages: Iterator[tuple[float, dict[str, Any]]]) -> Request:
    """A request whose body comes in pieces, each after so many seconds."""

    queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def send() -> None:
        for pause_s, message in messages:
            await asyncio.sleep(pause_s)
            queue.put_nowait(message)

    sending: list[asyncio.Task[None]] = []

    async def receive() -> dict[str, Any]:
        # Whoever stops waiting loses no message, as with a server.
        if not sending:
            sending.append(asyncio.create_task(send()))
        return await queue.get()

    return Request({"type": "http", "method": "PUT", "headers": [], "query_string": b"", "path": "/"}, receive)


def read(messages: list[tuple[float, bytes]], params: BodyParams) -> list[bytes]:
    last = len(messages) - 1
    told = iter(
        [
            (pause, {"type": "http.request", "body": data, "more_body": place < last})
            for place, (pause, data) in enumerate(messages)
        ]
    )

    async def reading() -> list[bytes]:
        return [piece async for piece in read_pieces(request_of(told), params)]

    return asyncio.run(reading())


SLOW = BodyParams(max_bytes=10**6, least_bytes_per_s=100, window_s=0.2)


@pytest.mark.parametrize("pause_s", [0.05, 0.5])
def test_a_body_that_comes_too_slowly_is_not_waited_for(pause_s: float) -> None:
    with pytest.raises(Problem) as refused:
        read([(pause_s, b"x")] * 20, SLOW)
    assert (refused.value.kind.status, refused.value.headers) == (408, {"Connection": "close"})


def test_a_body_that_is_fast_enough_is_read_however_long_it_takes() -> None:
    assert b"".join(read([(0.05, b"x" * 200)] * 20, SLOW)) == b"x" * 4_000


def test_a_body_whose_end_is_waited_for_briefly_is_whole() -> None:
    assert read([(0.0, b"x" * 50), (0.15, b"")], SLOW) == [b"x" * 50]


@dataclass(frozen=True, slots=True)
class NarrowStore(LocalObjectStore):
    """A store on a disk with a known share of free space."""

    free: float

    def free_ratio(self) -> float:
        return self.free


@pytest.mark.parametrize(("free", "status"), [(0.049, 507), (0.051, 422)])
def test_without_room_an_upload_is_refused_before_it_is_read(tmp_path: Path, free: float, status: int) -> None:
    app = create_app(Settings(root=tmp_path / "lake"))
    app.state.service.tables = ParquetTables(NarrowStore(tmp_path / "lake", free))
    with closing(TestClient(app, client=("127.0.0.1", 1))) as client:
        answer = client.put("/v1/uploads/x.jpg", content=b"no picture")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert list((tmp_path / "lake" / STAGING).glob("*")) == []


def test_what_was_answered_is_answered_again_also_on_a_full_disk(tmp_path: Path) -> None:
    app, picture = create_app(Settings(root=tmp_path / "lake")), drawn_photo("red", 1)
    with closing(TestClient(app, client=("127.0.0.1", 1))) as client:

        def send(key: str) -> tuple[int, str | None]:
            answer = client.put("/v1/uploads/x.jpg", content=picture, headers={**JPEG, "Idempotency-Key": key})
            return answer.status_code, answer.headers.get("idempotent-replayed")

        app.state.service.tables = ParquetTables(NarrowStore(tmp_path / "lake", 0.5))
        assert send("first") == (202, None)
        app.state.service.tables = ParquetTables(NarrowStore(tmp_path / "lake", 0.01))
        app.state.service.lanes = UploadLanes()
        assert (send("first"), send("second")) == ((202, "true"), (507, None))


def test_an_address_with_a_slash_more_is_another_address(tmp_path: Path) -> None:
    app = create_app(Settings(root=tmp_path / "lake"))
    with closing(TestClient(app, client=("127.0.0.1", 1), follow_redirects=False)) as client:
        answer = client.get("/v1/images/")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_the_name_of_a_file_is_what_the_browser_s_user_calls_it() -> None:
    names: list[str] = []

    def begin(name: str) -> SentPicture:
        names.append(name)
        return SentPicture(name)

    form = Form("multipart/form-data; boundary=x", begin)
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a%22b 100%25.jpg"\r\n\r\n'
    form.feed(head + b"1\r\n--x--\r\n")
    form.finish()
    assert names == ['a"b 100%25.jpg']


def answered(answers: Answers, body: str = "first", fingerprint: str = "same", who: str = "anna") -> str:
    with answers.remembering(who, "key") as memory:
        if replayed := memory.replay(fingerprint):
            return bytes(replayed.body).decode()
        memory.keep(fingerprint, Response(body, 202, media_type="text/plain"))
        return body


def test_an_answer_holds_over_midnight_and_is_forgotten_after_another(tmp_path: Path) -> None:
    store, now = LocalObjectStore(tmp_path), [datetime(2026, 10, 1, 23, 59, tzinfo=UTC)]
    answers = Answers(store, lambda: now[0])
    assert answered(answers) == "first"
    now[0] += timedelta(hours=24)
    assert answered(answers, "second") == "first"
    now[0] += timedelta(minutes=2)
    assert answered(answers, "third") == "third"
    kept = [info.key for info in store.list(object_keys.ANSWERS)]
    assert [key.split("/")[1] for key in kept] == ["2026-10-03"]


def test_a_key_is_its_callers_own(tmp_path: Path) -> None:
    answers = Answers(LocalObjectStore(tmp_path))
    assert [answered(answers, who, who=who) for who in ("anna", "bo", "anna")] == ["anna", "bo", "anna"]


@pytest.mark.parametrize("status", [429, 500, 503, 507])
def test_what_may_end_otherwise_next_time_is_not_kept(tmp_path: Path, status: int) -> None:
    answers = Answers(LocalObjectStore(tmp_path))
    with answers.remembering("anna", "key") as memory:
        memory.keep("same", Response("failed", status, media_type="text/plain"))
    assert answered(answers, "done") == "done"


def test_while_one_is_at_it_another_is_refused_and_goes_on_when_the_first_has_failed(tmp_path: Path) -> None:
    answers = Answers(LocalObjectStore(tmp_path))
    with answers.remembering("anna", "key"):
        with pytest.raises(Problem) as refused:
            answered(answers)
        assert refused.value.kind.status == 409
    assert answered(answers, "done") == "done"


def test_a_damaged_answer_is_named(tmp_path: Path) -> None:
    store = LocalObjectStore(tmp_path)
    answers = Answers(store)
    answered(answers)
    (info,) = store.list(object_keys.ANSWERS)
    store.write(ObjectKey(info.key), b"{")
    with pytest.raises(StorageError, match=r"is damaged.*delete it"):
        answered(answers)
