"""Connections: readers who do not read, and requests that come in one packet."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from image_assets.serving import bounded_headers, paced_answers
from image_assets.serving.bounded_headers import BoundedHeaders
from image_assets.serving.server import _bound

LONG = 2**24
"""Bytes of an answer that no system takes at once."""
SMALL = b"GET /small HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 900 + b"\r\n\r\n"
POSTED = b"POST /small HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000\r\n\r\n" + b"b" * 50_000


class Application:
    """Answers with many bytes at /long, after a while at /slow, with few elsewhere; counts what it answers."""

    def __init__(self) -> None:
        self.answering = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            return
        self.answering += 1
        while (await receive()).get("more_body"):
            pass
        if scope["path"] == "/slow":
            await asyncio.sleep(0.6)
        size = LONG if scope["path"] == "/long" else 2
        headers = [(b"content-length", str(size).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for start in range(0, size, 2**16):
            piece = b"." * min(2**16, size - start)
            await send({"type": "http.response.body", "body": piece, "more_body": start + len(piece) < size})
        self.answering -= 1


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture
def address(application: Application) -> Iterator[tuple[str, int]]:
    """Where the application is served."""
    listening = _bound("127.0.0.1", 0)
    config = uvicorn.Config(application, http=BoundedHeaders, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    yield listening.getsockname()
    server.should_exit = True
    thread.join(20)


def connect(address: tuple[str, int], kept_bytes: int | None = None) -> "closing[socket.socket]":
    """A connection; one that keeps little of what comes shows at once that its reader does not read."""
    connection = socket.socket()
    if kept_bytes:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, kept_bytes)
    connection.settimeout(20)
    connection.connect(address)
    return closing(connection)


def answers(connection: socket.socket, count: int) -> int:
    """How many answers of 200 have come, once there are so many or none comes any more."""
    connection.settimeout(5)
    came = b""
    try:
        while came.count(b"HTTP/1.1 ") < count and (piece := connection.recv(2**16)):
            came += piece
    except TimeoutError:
        pass
    return came.count(b"HTTP/1.1 200")


def test_who_does_not_read_his_answer_is_not_waited_for(
    application: Application, address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paced_answers, "_WINDOW_S", 0.3)
    with connect(address, 2**14) as connection:
        connection.sendall(b"GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
        end = time.monotonic() + 10
        while application.answering and time.monotonic() < end:
            time.sleep(0.05)
    assert application.answering == 0


def test_who_reads_slowly_but_reads_is_waited_for(
    application: Application, address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paced_answers, "_WINDOW_S", 0.3)
    with connect(address, 2**16) as connection:
        connection.sendall(b"GET /long HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        came, slow = 0, 0
        while piece := connection.recv(2**16):
            came += len(piece)
            if came > slow * 2**18 and slow < 10:
                time.sleep(0.1)
                slow += 1
    assert came > LONG


@pytest.mark.parametrize("before", [SMALL, POSTED])
def test_many_requests_in_one_packet_are_answered_though_the_last_is_cut(
    address: tuple[str, int], before: bytes
) -> None:
    count = 20 if before is SMALL else 2
    with connect(address) as connection:
        connection.sendall(before * count + SMALL[:500])
        time.sleep(0.2)
        connection.sendall(SMALL[500:])
        assert answers(connection, count + 1) == count + 1


@pytest.mark.parametrize("before", [b"", SMALL * 20])
def test_behind_other_requests_a_head_ends_somewhere_too(address: tuple[str, int], before: bytes) -> None:
    with connect(address) as connection:
        connection.sendall(before + SMALL[:-4] + b"y" * 2**15)
        came = b""
        while piece := connection.recv(2**16):
            came += piece
    assert came.count(b"HTTP/1.1 400") == 1


def test_a_head_that_waits_behind_a_slow_answer_is_not_given_up(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_headers, "_HEAD_S", 0.2)
    with connect(address) as connection:
        connection.sendall(SMALL.replace(b"small", b"slow") + SMALL[:500])
        time.sleep(0.4)
        connection.sendall(SMALL[500:])
        assert answers(connection, 2) == 2


def test_a_head_that_does_not_come_is_given_up(address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_headers, "_HEAD_S", 0.2)
    with connect(address) as connection:
        connection.sendall(SMALL[:500])
        assert connection.recv(1) == b""
