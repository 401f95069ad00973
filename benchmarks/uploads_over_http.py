"""Uploads over HTTP against the loops that everybody writes first, each in a process of its own.

`python -m benchmarks.uploads_over_http`: a bare loop (hash, fsync, rename), `await file.read()` of a form,
and the service: many small files from 16 clients, then eight large ones at once while /health is asked.
"""

import asyncio
import hashlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio.to_thread
import click
import psutil
import uvicorn
from fastapi import FastAPI, Request, UploadFile

CLIENTS, FILES, SMALL_BYTES = 16, 1_000, 300_000
LARGE, LARGE_BYTES = 8, 20_000_000
_ADDRESS = re.compile(r"http://\S+")
_UNLIMITED = {"IMAGE_ASSETS_RATE_LIMIT": "10000000/minute", "IMAGE_ASSETS_RATE_LIMIT_ALL": "10000000/minute"}
# A JPEG's header, so that the service does not refuse it at the door; the rest is as random as a JPEG's pixels.
_JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffc0001108010001000301220002110103110100ffda")


@dataclass(frozen=True)
class Contestant:
    """A server to upload to: how it is started, and the form in which it takes a file."""

    name: str
    command: tuple[str, ...]
    is_form: bool = False
    address: str = "/upload"


_SERVE = ("-m", "image_assets", "serve", "--create", "--port", "0")
CONTESTANTS = (
    Contestant("bare loop", ("-m", "benchmarks.uploads_over_http", "--serve", "bare")),
    Contestant("await file.read()", ("-m", "benchmarks.uploads_over_http", "--serve", "whole"), is_form=True),
    Contestant("image-assets serve", _SERVE, address="/v1/uploads/"),
    Contestant("image-assets serve, form", _SERVE, True, "/v1/images"),
)


def bare_app(folder: Path) -> FastAPI:
    """What a raw loop can do at best: no key, no limit, no name, no word of what was uploaded."""
    app = FastAPI()

    @app.put("/upload{name}")
    async def upload(request: Request) -> dict[str, str]:
        place, digest = folder / uuid.uuid4().hex, hashlib.sha256()
        with place.open("wb") as file:
            async for chunk in request.stream():
                digest.update(chunk)
                await anyio.to_thread.run_sync(file.write, chunk)
            file.flush()
            await anyio.to_thread.run_sync(os.fsync, file.fileno())
        place.rename(folder / digest.hexdigest())
        return {"sha256": digest.hexdigest()}

    return _with_health(app)


def whole_app(folder: Path) -> FastAPI:
    """The example of every tutorial, made to last."""
    app = FastAPI()

    @app.post("/upload")
    async def upload(file: UploadFile) -> dict[str, str]:
        data = await file.read()
        digest, place = hashlib.sha256(data).hexdigest(), folder / uuid.uuid4().hex
        place.write_bytes(data)
        with place.open("rb+") as written:
            os.fsync(written.fileno())
        place.rename(folder / digest)
        return {"sha256": digest}

    return _with_health(app)


def _with_health(app: FastAPI) -> FastAPI:
    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "alive"}

    return app


@contextmanager
def started(contestant: Contestant, folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """A contestant in a process of its own, with a new folder."""
    environment = {**os.environ, **_UNLIMITED, "IMAGE_ASSETS_ROOT": str(folder / "lake"), "PYTHONUNBUFFERED": "1"}
    with (folder / "words").open("w+") as words:
        process = subprocess.Popen(
            [sys.executable, *contestant.command], env={**environment, "COLUMNS": "300", "FOLDER": str(folder)},
            stdout=words, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            while not (found := _ADDRESS.search((folder / "words").read_text())):
                time.sleep(0.1)
            asyncio.run(_until_alive(found[0]))
            yield found[0], psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait()


class Connection:
    """HTTP/1.1 in as few words as it takes: what is measured is the server."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url)

    async def __aenter__(self) -> "Connection":
        self._reader, self._writer = await asyncio.open_connection(self._address.hostname, self._address.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def ask(self, head: str, body: bytes = b"") -> int:
        """The status of the answer."""
        self._writer.write(f"{head}\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await self._writer.drain()
        answer = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        await self._reader.readexactly(int(answer.partition("content-length: ")[2].partition("\r\n")[0]))
        return int(answer.split()[1])


def request_of(contestant: Contestant, data: bytes) -> tuple[str, bytes]:
    """The head and the body of an upload."""
    name = f"{uuid.uuid4().hex}.jpg"
    if not contestant.is_form:
        return f"PUT {contestant.address}{name} HTTP/1.1\r\nContent-Type: image/jpeg", data
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    kind = "multipart/form-data; boundary=b"
    return f"POST {contestant.address} HTTP/1.1\r\nContent-Type: {kind}", head + data + b"\r\n--b--\r\n"


def photo(size_bytes: int) -> bytes:
    """Bytes that no other photo has."""
    return _JPEG + os.urandom(size_bytes - len(_JPEG))


async def upload_many(url: str, contestant: Contestant, files: int, clients: int, size_bytes: int) -> list[float]:
    """Seconds that each upload took."""
    left, took = iter(range(files)), list[float]()

    async def client() -> None:
        async with Connection(url) as connection:
            for _ in left:
                head, body = request_of(contestant, photo(size_bytes))
                began = time.perf_counter()
                status = await connection.ask(head, body)
                took.append(time.perf_counter() - began)
                assert status in {200, 202}, status

    await asyncio.gather(*(client() for _ in range(clients)))
    return took


async def upload_each(url: str, contestant: Contestant, bodies: Sequence[bytes]) -> None:
    """All of them at once."""

    async def client(data: bytes) -> None:
        async with Connection(url) as connection:
            assert await connection.ask(*request_of(contestant, data)) in {200, 202}

    await asyncio.gather(*map(client, bodies))


async def _until_alive(url: str) -> None:
    while True:
        try:
            async with Connection(url) as connection:
                await connection.ask("GET /health HTTP/1.1")
                return
        except OSError:
            await asyncio.sleep(0.1)


async def watch(url: str, process: psutil.Process, work: Awaitable[Any]) -> tuple[float, float]:
    """The largest resident memory in MB and the slowest /health in ms while work is done."""
    task, most, slowest = asyncio.ensure_future(work), 0, 0.0
    async with Connection(url) as connection:
        while not task.done():
            began = time.perf_counter()
            await connection.ask("GET /health HTTP/1.1")
            slowest, most = max(slowest, time.perf_counter() - began), max(most, process.memory_info().rss)
            await asyncio.sleep(0.02)
    await task
    return most / 2**20, slowest * 1_000


def measure(contestant: Contestant) -> dict[str, object]:
    """All numbers of a contestant."""
    with tempfile.TemporaryDirectory() as folder, started(contestant, Path(folder)) as (url, process):
        asyncio.run(upload_many(url, contestant, 100, CLIENTS, SMALL_BYTES))
        before, began = sum(process.cpu_times()[:2]), time.perf_counter()
        took = sorted(asyncio.run(upload_many(url, contestant, FILES, CLIENTS, SMALL_BYTES)))
        seconds, cpu_s = time.perf_counter() - began, sum(process.cpu_times()[:2]) - before
        rss = process.memory_info().rss / 2**20
        bodies = [photo(LARGE_BYTES) for _ in range(LARGE)]
        large = upload_each(url, contestant, bodies)
        before, began = sum(process.cpu_times()[:2]), time.perf_counter()
        most, slowest = asyncio.run(watch(url, process, large))
        large_s, large_cpu_s = time.perf_counter() - began, sum(process.cpu_times()[:2]) - before
    return {
        "server": contestant.name,
        "300 KB: CPU ms": round(1_000 * cpu_s / FILES, 2),
        "a second": round(FILES / seconds),
        "p50 ms": round(1_000 * statistics.median(took)),
        "p99 ms": round(1_000 * took[int(0.99 * len(took))]),
        "8 x 20 MB: RSS +MB": round(most - rss),
        "CPU ms each": round(1_000 * large_cpu_s / LARGE),
        "MB/s": round(LARGE * LARGE_BYTES / 1e6 / large_s),
        "/health at most ms": round(slowest),
    }


@click.command()
@click.option("--serve", type=click.Choice(["bare", "whole"]), help="Be one of the others.")
@click.option("--rounds", default=2, show_default=True, help="Contestants take turns.")
def main(serve: str | None, rounds: int) -> None:
    """Measure all contestants, or be one."""
    if serve:
        _serve({"bare": bare_app, "whole": whole_app}[serve](Path(os.environ["FOLDER"])))
        return
    for _ in range(rounds):
        for contestant in CONTESTANTS:
            print(json.dumps(measure(contestant)), flush=True)


def _serve(app: FastAPI) -> None:
    import socket

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, http="h11", access_log=False, log_level="warning")).run(sockets=[listening])


if __name__ == "__main__":
    main()
