"""A day of photos in a lake in a cloud beside the same day in a folder: what each request's way there and back costs.

    python benchmarks/remote_lake.py --photos DIR [--size 1000] [--rounds 3] [--delay-ms 15] [--write FILE]

The daily job runs in a process of its own, from landing to gold, in a folder, in Azurite, and in Azurite each of whose
answers comes some milliseconds late. A proxy on this machine delays requests and counts them by step; the lakes are
compared when all is done. Azurite and the proxy take their processor time from the same processors as the day does, so
the last two are to be held against each other.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from page import write_section

sys.path.insert(0, str(Path(__file__).parents[1]))
from image_assets_tests.servers.clouds import Cloud, running_azurite, started
from image_assets_tests.servers.equality import differences

DAY = date(2026, 10, 1)
WORKERS = 2
_SHOWN = 12
MARKERS = ("<!-- remote lake: written by benchmarks/remote_lake.py -->", "<!-- /remote lake -->")
INTRODUCTION = """A day of {size:,} clothing photos through the whole daily job with two workers, from the landing zone
to gold with all its checks: in a folder, in Azurite on the same machine, and in Azurite whose answers come later.
Medians of {rounds} rounds in turns; requests are those after landing. Azurite and the proxy that counts work on the
same two processors as the day does: what answers that come late cost is the last line beside the one before. Tables
and objects of the first and the last {same}."""


class Proxy:
    """Passes requests on one by one, each a while late, and writes a line about each into a log."""

    def __init__(self, upstream: str, delay_s: float, log: Path) -> None:
        self.host, self.port = urlsplit(upstream).hostname, urlsplit(upstream).port
        self.delay_s, self.log = delay_s, log.open("w", buffering=1)

    async def serve(self) -> None:
        """Until it is killed."""
        server = await asyncio.start_server(self.attend, "127.0.0.1", 0, limit=2**20)
        print(f"proxy at http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        async with server:
            await server.serve_forever()

    async def attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, for which it keeps one of its own."""
        up_reader, up_writer = await asyncio.open_connection(self.host, self.port, limit=2**20)
        try:
            while head := await _head(reader):
                method, path, _ = head.decode("latin-1").split(" ", 2)
                began = time.time()
                request = head + await _body(head, reader)
                await asyncio.sleep(self.delay_s)
                up_writer.write(request)
                answer = await _head(up_reader)
                status = int(answer.split(b" ", 2)[1])
                writer.write(answer)
                if method != "HEAD" and status not in {204, 304}:
                    writer.write(await _body(answer, up_reader))
                await writer.drain()
                self.log.write(json.dumps([began, time.time(), method, path, status]) + "\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            up_writer.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


async def _body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    lengths = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    if lengths:
        return await reader.readexactly(int(lengths[1]))
    if not re.search(rb"\r\ntransfer-encoding: *chunked", head, re.IGNORECASE):
        return b""
    body = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        body += line + await reader.readexactly(int(line, 16) + 2)
        if int(line, 16) == 0:
            return body


class Request(NamedTuple):
    """A line of the log."""

    began: float
    ended: float
    method: str
    path: str
    status: int

    @property
    def kind(self) -> str:
        """What was asked."""
        if "comp=list" in self.path or "list-type" in self.path:
            return "LIST"
        return {"POST": "DELETE"}.get(self.method, self.method)


@dataclass(frozen=True)
class Day:
    """A day that was run.

    Attributes:
        seconds: from landing to gold.
        steps: when each began and ended.
        requests: that were counted.
        root: the lake.
    """

    seconds: float
    steps: Sequence[tuple[str, float, float]]
    requests: Sequence[Request]
    root: str

    def by_step(self) -> Mapping[str, Counter[str]]:
        """How many requests of each kind each step made, and the time that it took."""
        found: dict[str, Counter[str]] = {step: Counter() for step, _, _ in self.steps}
        for request in self.requests:
            step = next((name for name, began, ended in self.steps if began <= request.began <= ended), "between")
            found.setdefault(step, Counter())[request.kind] += 1
        return found


@contextmanager
def proxied(upstream: str, delay_s: float, log: Path) -> Iterator[str]:
    """The address of a service behind a proxy."""
    place = urlsplit(upstream)
    command = [sys.executable, __file__, "--child", "proxy", "--root", f"{place.scheme}://{place.netloc}"]
    command += ["--delay-ms", str(1000 * delay_s), "--log", str(log)]
    with started(command, log.with_suffix(".said"), r"proxy at (http://\S+)") as (address, _):
        yield f"{address}{place.path}"


def run_day(root: str, folder: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """The daily job in a process of its own."""
    command = [sys.executable, __file__, "--child", "day", "--root", root, "--log", str(folder)]
    output = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ).stdout
    told: dict[str, Any] = json.loads(output.splitlines()[-1])
    return told


def run_ours(root: str, folder: Path) -> dict[str, Any]:
    """Everything that the daily job does, in this process."""
    import dagster as dg

    from image_assets.definitions import build_definitions
    from image_assets.orchestration.jobs import DAILY_JOB
    from image_assets.settings import Settings

    definitions = build_definitions(Settings(root=root, workers=WORKERS))
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    job = definitions.resolve_job_def(DAILY_JOB)
    with dg.DagsterInstance.local_temp(str(folder)) as instance:
        started_at = time.monotonic()
        run = job.execute_in_process(partition_key=DAY.isoformat(), instance=instance, run_config=quiet)
        seconds = time.monotonic() - started_at
        began: dict[str, float] = {}
        steps = []
        for entry in instance.all_logs(run.run_id):
            if entry.dagster_event_type == dg.DagsterEventType.STEP_START:
                began[str(entry.step_key)] = entry.timestamp
            if entry.dagster_event_type == dg.DagsterEventType.STEP_SUCCESS:
                steps.append((entry.step_key, began[str(entry.step_key)], entry.timestamp))
    return {"seconds": seconds, "steps": steps}


class Contest:
    """The same uploads in a folder and in a cloud."""

    def __init__(self, cloud: Cloud, folder: Path, photos: Path, size: int) -> None:
        self.cloud, self.folder, self.size = cloud, folder, size
        files = sorted(path for path in photos.rglob("*") if path.suffix in {".jpg", ".jpeg"})
        # Bytes behind the end of a JPEG change its hash and nothing else.
        self.photos = [(files[n % len(files)], n.to_bytes(4, "big")) for n in range(size)]

    def here(self) -> Day:
        """In a folder."""
        root = self.folder / uuid.uuid4().hex
        self.land(str(root), None)
        told = run_day(str(root), self._new_folder(), {})
        return Day(told["seconds"], told["steps"], (), str(root))

    def there(self, delay_s: float) -> Day:
        """In the cloud, whose answers come late."""
        root, log, upstream = str(self.cloud.new_root()), self._new_folder() / "log", str(self.cloud.params.endpoint)
        self.land(root, upstream)
        with proxied(upstream, delay_s, log) as endpoint:
            told = run_day(root, self._new_folder(), {"IMAGE_ASSETS_STORAGE_ENDPOINT": endpoint})
        requests = [Request(*json.loads(line)) for line in log.read_text().splitlines()]
        return Day(told["seconds"], told["steps"], requests, root)

    def land(self, root: str, endpoint: str | None) -> None:
        """Add the photos, each with its sidecar, as `image-assets add` does; nobody looks at the clock."""
        from image_assets.opening import open_lake
        from image_assets.settings import Settings
        from image_assets.steps.images.uploads import UploadFacts, add_upload

        store = open_lake(Settings(root=root, storage_endpoint=endpoint)).store

        def add(photo: tuple[Path, bytes]) -> None:
            facts = UploadFacts(DAY, "benchmark", photo[0].name, datetime(2026, 10, 1, 12, tzinfo=UTC))
            add_upload(store, facts, photo[0].read_bytes() + photo[1])

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(add, self.photos))

    def differences(self, one: Day, other: Day) -> list[str]:
        """Of two lakes, one of which is there."""
        from image_assets.opening import open_lake
        from image_assets.settings import Settings

        there = Settings(root=other.root, storage_endpoint=self.cloud.params.endpoint)
        return differences(open_lake(Settings(root=one.root)), open_lake(there))

    def _new_folder(self) -> Path:
        folder = self.folder / uuid.uuid4().hex
        folder.mkdir()
        return folder


def summary(days: Mapping[str, Sequence[Day]], size: int) -> list[str]:
    """The first table: ratios, then requests, then time."""
    base = statistics.median(day.seconds for day in days["in a folder"])
    lines = ["| a day | of the day in a folder | requests per photo | ms per photo |", "|---|---:|---:|---:|"]
    for name, each in days.items():
        seconds = statistics.median(day.seconds for day in each)
        asked = f"{len(each[-1].requests) / size:.2f}" if each[-1].requests else ""
        lines.append(f"| {name} | {seconds / base:.2f} | {asked} | {1000 * seconds / size:.1f} |")
    return lines


def by_step(late: Day, prompt: Day, base: Day) -> list[str]:
    """The second table: who asks, and how long each step took."""
    kinds = ("GET", "PUT", "HEAD", "LIST", "DELETE")
    seconds = [{step: ended - began for step, began, ended in each.steps} for each in (late, prompt, base)]
    lines = [f"| step | s, late | s in Azurite | s in a folder | {' | '.join(kinds)} |", f"|---|{8 * '---:|'}"]
    counted = sorted(late.by_step().items(), key=lambda each: -each[1].total())
    groups = [([step], asked) for step, asked in counted[:_SHOWN]]
    rest = [step for step, _ in counted[_SHOWN:]]
    groups.append((rest, sum((asked for _, asked in counted[_SHOWN:]), Counter())))
    groups.append(([step for step, _ in counted], sum((asked for _, asked in counted), Counter())))
    names = [*(step for step, _ in counted[:_SHOWN]), f"{len(rest)} others, mostly checks", "all"]
    for name, (steps, asked) in zip(names, groups, strict=True):
        times = [sum(each.get(step, 0.0) for step in steps) for each in seconds]
        cells = [*(f"{each:.1f}" for each in times), *(str(asked[kind]) for kind in kinds)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _same(differing: Sequence[str]) -> str:
    return (
        f"{len(differing)} objects or tables differ" if differing else "are equal in everything but versions and times"
    )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--size", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--delay-ms", type=float, default=15.0)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--child", choices=["proxy", "day"], help=argparse.SUPPRESS)
    parser.add_argument("--root", help=argparse.SUPPRESS)
    parser.add_argument("--log", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child == "proxy":
        asyncio.run(Proxy(asked.root, asked.delay_ms / 1000, asked.log).serve())
        return
    if asked.child == "day":
        print(json.dumps(run_ours(asked.root, asked.log)))
        return
    with tempfile.TemporaryDirectory() as name, running_azurite(Path(name)) as cloud:
        os.environ.update(cloud.environment)
        contest = Contest(cloud, Path(name), asked.photos, asked.size)
        late = f"in Azurite, {asked.delay_ms:g} ms later"
        ways = {"in a folder": contest.here, "in Azurite": lambda: contest.there(0.0)}
        ways[late] = lambda: contest.there(asked.delay_ms / 1000)
        days: dict[str, list[Day]] = {way: [] for way in ways}
        for _ in range(asked.rounds):
            for way, run in ways.items():
                days[way].append(run())
                print(f"{way}: {days[way][-1].seconds:.1f} s, {len(days[way][-1].requests)} requests", flush=True)
        differing = contest.differences(days["in a folder"][-1], days[late][-1])
    lines = [*summary(days, asked.size), "", *by_step(*(days[way][-1] for way in reversed(ways)))]
    print("\n".join(lines), f"\n{len(differing)} differences", *differing[:5], sep="\n")
    if asked.write:
        told = INTRODUCTION.format(size=asked.size, rounds=asked.rounds, same=_same(differing))
        write_section(asked.write, MARKERS, "\n".join([f"## A lake in a cloud\n\n{told}\n", *lines, ""]))


if __name__ == "__main__":
    main()
