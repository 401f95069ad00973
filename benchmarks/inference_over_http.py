"""Predictions over HTTP: the service against the endpoints that everybody writes first, and LitServe, by turns.

All of them have the same encoder, one torch thread, and the same photos; a round asks each of them with 1, 16 and 64
clients that keep their connections. Processor time is that of the server and all of its processes. How long /health
takes meanwhile says how long the event loop was blocked.

    python benchmarks/inference_over_http.py PHOTOS --litserve-python /path/to/python
"""

import argparse
import asyncio
import base64
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from inference_contestants import Model
from page import write_section

CLIENTS = (1, 16, 64)
REQUESTS = {1: 40, 16: 160, 64: 320}
FIRST_PORT = 8770
OURS = "image_assets"
NAMES = {
    OURS: f"**{OURS}**",
    "async": "model in an `async` endpoint",
    "def": "model in a `def` endpoint",
    "litserve": "LitServe 0.2.19",
}


@dataclass
class Measured:
    """What one kind of server did with so many clients; a number per round."""

    per_cpu_s: list[float] = field(default_factory=list)
    per_s: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    health_ms: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)


class Server:
    """A running server and its processes."""

    def __init__(self, kind: str, port: int, python: str, precision: str, folder: Path) -> None:
        self.kind, self.port = kind, port
        own = {name: value for name, value in os.environ.items() if not name.startswith("IMAGE_ASSETS_")}
        environment = {**own, "OMP_NUM_THREADS": "1", "IMAGE_ASSETS_ROOT": str(folder / "lake")}
        environment["IMAGE_ASSETS_PRECISION"] = precision
        if kind == OURS:
            environment |= {
                "IMAGE_ASSETS_RATE_LIMIT": "9999999/second",
                "IMAGE_ASSETS_RATE_LIMIT_ALL": "9999999/second",
            }
            command = [python, "-m", "image_assets", "serve", "--create", "--port", str(port)]
        else:
            name = "inference_litserve.py" if kind == "litserve" else "inference_contestants.py"
            command = [python, str(Path(__file__).with_name(name)), kind, str(port)]
        self.log = folder / f"{kind}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)

    def body(self, photo: bytes) -> tuple[str, bytes]:
        """Type and bytes of a request."""
        if self.kind == "litserve":
            return "application/json", json.dumps({"image": base64.b64encode(photo).decode()}).encode()
        return "application/octet-stream", photo

    @property
    def _tree(self) -> list[psutil.Process]:
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    @property
    def cpu_s(self) -> float:
        """Of all of its processes that live."""
        return sum(sum(each.cpu_times()[:2]) for each in self._tree)

    @property
    def memory_mb(self) -> float:
        """Unique to its processes."""
        return sum(each.memory_full_info().uss for each in self._tree) / 2**20

    def stop(self) -> None:
        """End it and all that it started."""
        for each in reversed(self._tree):
            each.terminate()
        self.process.wait(30)


class Connection:
    """A client that keeps its connection."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def open(self) -> "Connection":
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def ask(self, method: str, path: str, kind: str = "", body: bytes = b"") -> float:
        """Seconds until the answer was read; RuntimeError for any status but 200."""
        began = time.perf_counter()
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nContent-Length: {len(body)}\r\n"
        head += f"Content-Type: {kind}\r\n" if kind else ""
        self._writer.write(head.encode() + b"\r\n" + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        lines = answer.decode().lower().split("\r\n")
        length = next(int(line.partition(":")[2]) for line in lines if line.startswith("content-length:"))
        said = await self._reader.readexactly(length)
        if " 200 " not in f"{lines[0]} ":
            raise RuntimeError(f"{lines[0]}: {said[:300]!r}")
        return time.perf_counter() - began

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def wait_until_up(server: Server) -> None:
    """Until it has predicted once."""
    kind, body = server.body(PHOTOS[0])
    for _ in range(200):
        try:
            connection = await Connection(server.port).open()
            await connection.ask("POST", "/v1/predict", kind, body)
            connection.close()
            return
        except (OSError, RuntimeError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.2)
    raise SystemExit(f"{server.kind} does not answer: {server.log.read_text()[-2000:]}")


async def ask_all(server: Server, clients: int, photos: Iterator[bytes]) -> tuple[list[float], float]:
    """Seconds of each request, and the longest that /health took meanwhile."""
    left = iter(range(REQUESTS[clients]))
    seconds: list[float] = []
    longest = 0.0

    async def client() -> None:
        connection = await Connection(server.port).open()
        for _ in left:
            took = await connection.ask("POST", "/v1/predict", *server.body(next(photos)))
            seconds.append(took)
        connection.close()

    async def watch() -> None:
        nonlocal longest
        connection = await Connection(server.port).open()
        while True:
            longest = max(longest, await connection.ask("GET", "/health"))
            await asyncio.sleep(0.05)

    watching = asyncio.create_task(watch())
    try:
        await asyncio.gather(*(client() for _ in range(clients)))
    except RuntimeError as error:
        error.add_note(server.log.read_text()[-2000:])
        raise
    # What the loop was blocked with is only seen when it answers.
    await asyncio.sleep(0.2)
    watching.cancel()
    return seconds, longest


async def measure(server: Server, clients: int, into: Measured) -> None:
    """One round."""
    before, began = server.cpu_s, time.perf_counter()
    seconds, longest = await ask_all(server, clients, itertools.cycle(PHOTOS))
    count, elapsed = len(seconds), time.perf_counter() - began - 0.2
    seconds.sort()
    into.per_cpu_s.append(count / (server.cpu_s - before))
    into.per_s.append(count / elapsed)
    into.p50_ms.append(1e3 * seconds[count // 2])
    into.p99_ms.append(1e3 * seconds[min(count - 1, int(count * 0.99))])
    into.health_ms.append(1e3 * longest)
    into.memory_mb.append(server.memory_mb)


def measure_bare(precision: str, count: int = 40) -> tuple[float, float]:
    """Milliseconds and processor milliseconds of a prediction without HTTP, in this process."""
    model = Model(precision)
    walls, cpus = [], []
    for photo in itertools.islice(itertools.cycle(PHOTOS), count):
        wall, cpu = time.perf_counter(), time.process_time()
        model.predict([model.decode(photo)])
        walls.append(1e3 * (time.perf_counter() - wall))
        cpus.append(1e3 * (time.process_time() - cpu))
    return statistics.median(walls), statistics.median(cpus)


def rows(measured: dict[tuple[str, int], Measured]) -> Iterator[str]:
    """The table."""
    yield "| clients | server | requests per CPU second | requests/s | p50, ms | p99, ms | longest /health, ms | MB |"
    yield "|---:|---|---:|---:|---:|---:|---:|---:|"
    for (kind, clients), each in sorted(measured.items(), key=lambda item: (item[0][1], list(NAMES).index(item[0][0]))):
        numbers = (each.per_cpu_s, each.per_s, each.p50_ms, each.p99_ms, each.health_ms, each.memory_mb)
        yield (
            f"| {clients} | {NAMES[kind]} | "
            + " | ".join(f"{statistics.median(found):.0f}" for found in numbers)
            + " |"
        )


async def compare(servers: Sequence[Server], rounds: int) -> dict[tuple[str, int], Measured]:
    """By turns, so that whatever else the machine does meets all of them."""
    measured = {(server.kind, clients): Measured() for server in servers for clients in CLIENTS}
    for server in servers:
        await wait_until_up(server)
    for _ in range(rounds):
        for clients in CLIENTS:
            for server in servers:
                await measure(server, clients, measured[server.kind, clients])
    return measured


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, help="A folder of photos.")
    parser.add_argument("--litserve-python", help="Python of an environment with litserve and image_assets.")
    parser.add_argument("--precision", choices=("bf16", "fp32"), default="fp32")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--page", type=Path, default=Path("docs/benchmarks.md"))
    options = parser.parse_args()
    PHOTOS.extend(path.read_bytes() for path in sorted(options.photos.rglob("*.jpg"))[:128])
    pythons = dict.fromkeys(NAMES, sys.executable)
    if options.litserve_python:
        pythons["litserve"] = options.litserve_python
    else:
        del pythons["litserve"]
    bare_ms, bare_cpu_ms = measure_bare(options.precision)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = [
            Server(kind, FIRST_PORT + place, python, options.precision, folder)
            for place, (kind, python) in enumerate(pythons.items())
        ]
        for server in servers:
            stack.callback(server.stop)
        measured = asyncio.run(compare(servers, options.rounds))
    alone_ms = statistics.median(measured[OURS, 1].p50_ms)
    said = (
        f"## Predictions over HTTP, {options.precision}\n\n"
        f"{len(PHOTOS)} photos, builtin encoder, zero-shot, one torch thread; medians of {options.rounds} rounds by "
        f"turns. The same without HTTP takes {bare_ms:.1f} ms ({bare_cpu_ms:.1f} ms of the processor); a lone client "
        f"of the service waits {alone_ms:.1f} ms.\n\n"
    )
    name = f"inference {options.precision}"
    markers = (f"<!-- {name}: written by benchmarks/inference_over_http.py -->", f"<!-- /{name} -->")
    write_section(options.page, markers, said + "\n".join(rows(measured)))


PHOTOS: list[bytes] = []

if __name__ == "__main__":
    main()
