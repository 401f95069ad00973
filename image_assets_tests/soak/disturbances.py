"""What can come over a command at work: kills, no storage, a full disk, a power cut, a database that crashes.

A power cut loses what was not brought to the disk. Tables and chunks are synced before they get their names; what can
be cut short is a file that is still staged, and a picture written since the last chunk or table, of which no row tells
yet. The newest chunk is cut too: that is a disk that lied, and costs the work of its rows only.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import chain
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]  # it ships no types

from image_assets.lake.local_object_store import STAGING
from image_assets.lake.object_keys import BRONZE, CHECKPOINTS, PREVIEWS, SILVER, TABLES, THUMBNAILS
from image_assets_tests.servers.postgres import PostgresServer
from image_assets_tests.soak.homes import Home, end, kill_tree
from image_assets_tests.soak.script import LAKE

DISK_BYTES = 4 * 2**30
_BREATH_S = 0.05
_PATIENCE_S = 400.0
_SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
_PAGES = ("/", "/days", "/rejected", "/filters", "/ready", "/v1/images", "/v1/classes", "/v1/reviews", "/v1/duplicates")

Process = subprocess.Popen[str]


@dataclass
class Story:
    """What was done to a command, and what was found meanwhile."""

    told: str
    problems: list[str] = field(default_factory=list)
    cut: int = 0
    came: bool = True


@dataclass(frozen=True)
class Victim:
    """A command at work in a home.

    Attributes:
        home: where.
        process: of the command.
        chance: of all choices.
        database: to which gold is published, if it is.
    """

    home: Home
    process: Process
    chance: random.Random
    database: PostgresServer | None = None

    @property
    def lake(self) -> Path:
        """Its folder."""
        return self.home.folder / LAKE

    def wait(self) -> None:
        """Until the command ends."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_PATIENCE_S)


def kill_command(victim: Victim) -> Story:
    """By any signal, once or twice."""
    number = victim.chance.choice(_SIGNALS)
    victim.process.send_signal(number)
    if victim.chance.random() < 0.3:
        time.sleep(_BREATH_S)
        victim.process.send_signal(number)
    return Story(number.name)


def kill_everything(victim: Victim) -> Story:
    """The command and all that it started, at once."""
    kill_tree(victim.process, signal.SIGKILL)
    return Story("SIGKILL")


def kill_worker(victim: Victim) -> Story:
    """One of its children, as soon as it has any."""
    while victim.process.poll() is None:
        with suppress(psutil.NoSuchProcess):
            if children := psutil.Process(victim.process.pid).children(recursive=True):
                victim.chance.choice(children).kill()
                return Story("SIGKILL")
        time.sleep(_BREATH_S)
    return Story("it had no worker any more", came=False)


def kill_service(victim: Victim) -> Story:
    """One that is asked for pages while the command is at work."""
    service, url = victim.home.serve()
    story = Story("SIGKILL amid questions")
    with httpx.Client(base_url=url, timeout=120) as client:
        answers = [client.get(page).status_code for page in victim.chance.sample(_PAGES, 3)]
    story.problems += [f"the service answered {code}" for code in answers if code == HTTPStatus.INTERNAL_SERVER_ERROR]
    service.kill()
    end(service, 60)
    return story


def take_storage_away(victim: Victim) -> Story:
    """The lake's folder is not there for a while."""
    away = victim.lake.with_name("away")
    seconds = victim.chance.uniform(0.1, 4)
    victim.lake.rename(away)
    time.sleep(seconds)
    story = Story(f"{seconds:.1f} s")
    if victim.lake.exists():
        made = [str(each.relative_to(victim.lake)) for each in victim.lake.rglob("*") if each.is_file()]
        aside = victim.lake.with_name(f"made-{time.time_ns()}")
        victim.lake.rename(aside)
        story.told += f"; {len(made)} files were written in its place"
    away.rename(victim.lake)
    return story


def fill_disk(victim: Victim) -> Story:
    """Leave a few kilobytes until the command has ended."""
    disk, left = victim.lake.parent, victim.chance.choice((0, 4, 64, 256)) * 1024
    resize_disk(disk, shutil.disk_usage(disk).used + left)
    victim.wait()
    resize_disk(disk)
    return Story(f"{left // 1024} kB left")


def resize_disk(disk: Path, size_bytes: int = DISK_BYTES) -> None:
    """Of a file system in memory."""
    subprocess.run(["mount", "-o", f"remount,size={size_bytes}", disk], check=True)


def crash_database(victim: Victim) -> Story:
    """The server of published copies is gone for a moment."""
    assert victim.database is not None
    victim.database.stop("immediate")
    time.sleep(victim.chance.uniform(0.1, 2))
    victim.database.start()
    return Story("stopped at once, and started")


def cut_power(victim: Victim) -> Story:
    """Kill everything as soon as something may not have reached the disk, and cut that short."""
    while victim.process.poll() is None:
        # Nothing moves while it is looked at.
        kill_tree(victim.process, signal.SIGSTOP)
        if _newest_chunk(victim.lake) or _unsynced_pictures(victim.lake):
            break
        kill_tree(victim.process, signal.SIGCONT)
        time.sleep(_BREATH_S)
    else:
        return Story("it had ended", came=False)
    kill_tree(victim.process, signal.SIGKILL)
    victim.wait()
    staged, chunks, pictures = _staged(victim.lake), _newest_chunk(victim.lake), _unsynced_pictures(victim.lake)
    chosen = [file for file in chain(staged, chunks, pictures) if victim.chance.random() < 0.7]
    for file in chosen:
        _cut(file, victim.chance)
    told = f"{len(staged)} staged, {len(chunks)} chunks, {len(pictures)} pictures at risk, {len(chosen)} cut"
    return Story(told, cut=len(chosen))


DISTURBANCES: Mapping[str, Callable[[Victim], Story]] = {
    "kill command": kill_command,
    "kill tree": kill_everything,
    "kill worker": kill_worker,
    "kill service": kill_service,
    "outage": take_storage_away,
    "full disk": fill_disk,
    "power cut": cut_power,
    "database crash": crash_database,
}


def _cut(file: Path, chance: random.Random) -> None:
    """At a random place, the beginning and the end included; or its name never arrived."""
    if chance.random() < 0.15:
        file.unlink()
        return
    status = file.stat()
    os.truncate(file, chance.choice((0, chance.randint(0, status.st_size))))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def _staged(lake: Path) -> list[Path]:
    return _files(lake / STAGING)


def _newest_chunk(lake: Path) -> list[Path]:
    chunks = _files(lake / TABLES / CHECKPOINTS, "*.parquet")
    return sorted(chunks, key=lambda file: file.stat().st_mtime_ns)[-1:]


def _unsynced_pictures(lake: Path) -> list[Path]:
    """Written since the last chunk or table, before each of which everything is brought to the disk."""
    synced = max((file.stat().st_mtime_ns for file in _files(lake / TABLES, "*.parquet")), default=0)
    pictures = chain.from_iterable(_files(lake / folder) for folder in (BRONZE, SILVER, THUMBNAILS, PREVIEWS))
    return [file for file in pictures if file.stat().st_mtime_ns > synced]


def _files(folder: Path, pattern: str = "*") -> list[Path]:
    return sorted(file for file in folder.rglob(pattern) if file.is_file())
