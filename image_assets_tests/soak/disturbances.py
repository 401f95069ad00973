"""What can come over a command at work: kills, no storage, a full disk, a power cut, a database that crashes."""

import random
import signal
import subprocess
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]  # it ships no types

from image_assets_tests.servers.postgres import PostgresServer
from image_assets_tests.soak.homes import Home, end, kill_tree
from image_assets_tests.soak.own_disk import OwnDisk
from image_assets_tests.soak.script import ARCHIVE, LAKE, PUBLISHED

_BREATH_S = 0.05
_UNWRITTEN_S = 30
"""So long the system keeps it in memory at most."""
_WAITING = {"not there", "QUEUED", "NOT_STARTED", "STARTING"}
_IDLE_S = 10.0
_WORKER = "image_assets.compute.worker"
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
        disk: on which the home is, if it has one of its own.
    """

    home: Home
    process: Process
    chance: random.Random
    database: PostgresServer | None = None
    disk: OwnDisk | None = None

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
    """One of those who look at images, amid an image; after a while without any, one that waits for some."""
    give_up_at = time.monotonic() + _IDLE_S
    while victim.process.poll() is None:
        with suppress(psutil.NoSuchProcess):
            workers = _workers(victim.process)
            busy = [each for each in workers if each.status() != psutil.STATUS_SLEEPING]
            if chosen := busy or (workers if time.monotonic() > give_up_at else []):
                worker = victim.chance.choice(chosen)
                used_s = sum(worker.cpu_times()[:2])
                worker.kill()
                return Story(f"SIGKILL to pid {worker.pid}, {'at work' if busy else 'idle'}, {used_s:.1f} s used")
        time.sleep(_BREATH_S / 10)
    return Story("it had no worker any more", came=False)


def _workers(process: Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        children = psutil.Process(process.pid).children(recursive=True)
        return [each for each in children if _WORKER in each.cmdline()]
    return []


def kill_daemon(victim: Victim) -> Story:
    """One that does a run of the first day beside the command; with or without the run."""
    run_id, home = str(uuid.UUID(int=victim.chance.getrandbits(128), version=4)), victim.home
    daemon = home.start_dagster("dagster-daemon", "run", "-m", "image_assets.definitions")
    day = f'{{"dagster/partition": "{home.first_day}"}}'
    launch = ("job", "launch", "-m", "image_assets.definitions", "-j", "daily_images", "--tags", day)
    queued = end(home.start_dagster("dagster", *launch, "--run-id", run_id), _PATIENCE_S)
    problems = [f"the run was not queued: {queued.words[-2000:]}"] if queued.code else []
    give_up_at = time.monotonic() + _PATIENCE_S
    while home.status_of(run_id) in _WAITING and time.monotonic() < give_up_at and daemon.poll() is None:
        time.sleep(_BREATH_S)
    time.sleep(victim.chance.uniform(0, 8))
    step, status = home.step_of(run_id), home.status_of(run_id)
    if whole := victim.chance.random() < 0.7:
        kill_tree(daemon, signal.SIGKILL)
    else:
        daemon.kill()
    end(daemon, 60)
    return Story(f"SIGKILL to it {'and' if whole else 'but not'} its run, {status}, {step}", problems)


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
        if made:
            story.problems.append(f"in the place of a lake that was away: {made}")
    away.rename(victim.lake)
    return story


def fill_disk(victim: Victim) -> Story:
    """Leave a few kilobytes until the command has ended."""
    assert victim.disk is not None
    left = victim.chance.choice((0, 4, 64, 256)) * 1024
    victim.disk.fill(left)
    victim.wait()
    victim.disk.empty()
    return Story(f"{left // 1024} kB left")


def crash_database(victim: Victim) -> Story:
    """The server of published copies is gone for a moment."""
    assert victim.database is not None
    victim.database.stop("immediate")
    time.sleep(victim.chance.uniform(0.1, 2))
    victim.database.start()
    return Story("stopped at once, and started")


def cut_power(victim: Victim) -> Story:
    """As soon as something may not have reached the disk: the file system stops there, and comes back without it."""
    assert victim.disk is not None
    began = time.time()
    while victim.process.poll() is None:
        # Nothing moves while it is looked at.
        kill_tree(victim.process, signal.SIGSTOP)
        if any(_at_risk(victim, began - _UNWRITTEN_S)):
            break
        kill_tree(victim.process, signal.SIGCONT)
        time.sleep(_BREATH_S / 2)
    else:
        return Story("it had ended", came=False)
    before = victim.disk.contents()
    victim.disk.lose_power()
    _kill_all(victim.home)
    victim.wait()
    victim.disk.come_back()
    after = victim.disk.contents()
    lost = [file.relative_to(victim.home.folder) for file, digest in before.items() if after.get(file) != digest]
    places = Counter("/".join(file.parts[1:3]) for file in lost)
    told = ", ".join(f"{count} of {place}" for place, count in places.most_common())
    return Story(f"lost or cut short: {told or 'nothing'}", cut=len(lost), came=bool(lost))


DISTURBANCES: Mapping[str, Callable[[Victim], Story]] = {
    "kill command": kill_command,
    "kill tree": kill_everything,
    "kill worker": kill_worker,
    "kill daemon": kill_daemon,
    "kill service": kill_service,
    "outage": take_storage_away,
    "full disk": fill_disk,
    "power cut": cut_power,
    "database crash": crash_database,
}


def _kill_all(home: Home) -> None:
    """Whoever is at work in a home, runs that a killed daemon has left included."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if Path(process.cwd()) == home.folder:
                process.kill()


def _at_risk(victim: Victim, since: float) -> Iterator[Path]:
    """Of the lake, and of what is published and archived."""
    assert victim.disk is not None
    for folder in (victim.lake, victim.home.folder / PUBLISHED, victim.home.folder / ARCHIVE):
        for file in folder.rglob("*"):
            with suppress(FileNotFoundError):
                if file.lstat().st_mtime > since and file.is_file() and victim.disk.is_pending(file):
                    yield file
