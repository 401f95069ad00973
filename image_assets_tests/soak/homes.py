"""Homes to mistreat: a folder with dagster.yaml and a small lake, and the command line in it."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types

import image_assets
from image_assets.client.client import Client
from image_assets.samples.feed import generate_feed
from image_assets.settings import PREFIX

GOOD = (0, 2)
"""Exit codes of commands that did what they were asked; 2: some images are rejected."""

_BIN = Path(sys.executable).parent
_CONFIG = Path(image_assets.__file__).parents[1] / "dagster.yaml"
# The one that is tested, wherever another is installed.
_CODE = {"PYTHONPATH": str(_CONFIG.parent)}
_RUNS = Path("data", "dagster", "history", "runs.db")
_EVENTS = Path("data", "dagster", "history", "runs")
_LAST_STEP = (
    "SELECT dagster_event_type, step_key FROM event_logs "
    "WHERE dagster_event_type IN ('STEP_START', 'STEP_SUCCESS', 'STEP_FAILURE') ORDER BY id DESC LIMIT 1"
)
_ADDRESS = re.compile(r"http://\S+")


@dataclass(frozen=True)
class Ended:
    """A command that has ended, or that had to be ended after its time."""

    command: str
    code: int | None
    words: str

    @property
    def problem(self) -> str | None:
        """Why this is not how a command ends; None when it is."""
        if self.code is None:
            return f"{self.command}: still at work\n{self.words[-2000:]}"
        if self.code not in GOOD or "Traceback" in self.words:
            return f"{self.command}: exit code {self.code}\n{self.words[-3000:]}"
        return None


@dataclass(frozen=True)
class Home:
    """A folder in which the command line is called.

    Attributes:
        folder: the folder.
        first_day: the first partition.
        settings: names without prefix, and their values, besides those of a command.
    """

    folder: Path
    first_day: date
    settings: Mapping[str, str] = field(default_factory=dict)

    def with_settings(self, settings: Mapping[str, str]) -> "Home":
        """The same folder, called with more settings."""
        return replace(self, settings={**self.settings, **settings})

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start a command."""
        return self._start(_BIN / "image-assets", arguments, variables)

    def start_dagster(self, program: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a program of Dagster's own."""
        return self._start(_BIN / program, arguments, {"DAGSTER_HOME": str(self.folder)})

    def _start(self, script: Path, arguments: Sequence[str], variables: Mapping[str, str]) -> subprocess.Popen[str]:
        """In a process group of its own, its words in a file that can be as long as it likes."""
        own = {
            name: value for name, value in os.environ.items() if not name.upper().startswith((PREFIX, "DAGSTER_HOME"))
        }
        said = {"START_DAY": str(self.first_day), "WORKERS": "2", **self.settings}
        settings = {**{f"{PREFIX}{name}": value for name, value in said.items()}, **variables}
        # Beside the home, whose disk can be full.
        words = self.folder.with_name(f"words of {self.folder.name}")
        words.mkdir(exist_ok=True)
        with (words / f"{len(list(words.iterdir()))}.txt").open("w") as file:
            process = subprocess.Popen(
                [script, *arguments], cwd=self.folder, env={**own, **_CODE, **settings}, text=True,
                start_new_session=True, stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip
        process.words = Path(file.name)  # type: ignore[attr-defined]
        return process

    def status_of(self, run_id: str) -> str:
        """Of a run, as Dagster keeps it."""
        found = _ask(self.folder / _RUNS, f"SELECT status FROM runs WHERE run_id = '{run_id}'")
        return found[0][0] if found else "not there"

    def step_of(self, run_id: str) -> str:
        """Which one a run is at."""
        found = _ask(self.folder / _EVENTS / f"{run_id}.db", _LAST_STEP)
        return f"{'in' if found[0][0] == 'STEP_START' else 'after'} {found[0][1]}" if found else "before any step"

    def newest_run(self, since: float) -> str | None:
        """The one that wrote last, if it began after an instant."""
        files = [file for file in (self.folder / _EVENTS).glob("*-*.db") if file.stat().st_mtime > since]
        return max(files, key=lambda file: file.stat().st_mtime).stem if files else None

    def run(self, *arguments: str, timeout_s: float = 240.0, **variables: str) -> Ended:
        """Start a command and wait for its end."""
        return end(self.start(*arguments, **variables), timeout_s)

    def serve(self) -> tuple[subprocess.Popen[str], str]:
        """Start a service, and its address once it answers."""
        unlimited = {f"{PREFIX}RATE_LIMIT": "1000000/minute", f"{PREFIX}RATE_LIMIT_ALL": "1000000/minute"}
        service = self.start("serve", "--create", "--port", "0", PYTHONUNBUFFERED="1", COLUMNS="200", **unlimited)
        words: Path = service.words  # type: ignore[attr-defined]
        give_up_at = time.monotonic() + 60
        while not (found := _ADDRESS.search(words.read_text())):
            if service.poll() is not None or time.monotonic() > give_up_at:
                raise RuntimeError(f"the service has not started: {words.read_text()}")
            time.sleep(0.05)
        # It listens before it has opened the lake.
        with Client(found[0]) as client:
            client.is_alive()
        return service, found[0]


def end(process: subprocess.Popen[str], timeout_s: float) -> Ended:
    """Wait for a command; one that takes longer is killed with all that it started."""
    try:
        code: int | None = process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        code = None
        kill_tree(process, signal.SIGKILL)
        process.wait()
    command = " ".join(str(each) for each in list(process.args)[1:])  # type: ignore[arg-type]
    return Ended(command, code, process.words.read_text(errors="replace"))  # type: ignore[attr-defined]


def kill_tree(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Signal a command and all that it started."""
    try:
        root = psutil.Process(process.pid)
        for each in [root, *root.children(recursive=True)]:
            each.send_signal(number)
    except psutil.NoSuchProcess:
        pass


def new_home(folder: Path, days: Sequence[date], images: int, seed: int = 7) -> Home:
    """A home with as many uploads a day, none of which has been run."""
    shutil.copy(_CONFIG, _made(folder))
    for file in generate_feed(days, images, seed):
        place = _made(folder / "data" / "lake" / "landing" / str(file.day) / file.user_id)
        (place / file.filename).write_bytes(file.data)
        if file.sidecar is not None:
            (place / f"{file.filename}.json").write_bytes(file.sidecar)
    return Home(folder, days[0])


def twin(home: Home, folder: Path) -> Home:
    """A home of its own over the very same uploads: their times are equal, too."""
    landing = Path("data", "lake", "landing")
    shutil.copy(_CONFIG, _made(folder))
    shutil.copytree(home.folder / landing, folder / landing, copy_function=os.link)
    return Home(folder, home.first_day)


def last_days(number: int) -> list[date]:
    """Full days, the last one yesterday."""
    today = datetime.now(UTC).date()
    return [today - timedelta(days=back) for back in range(number, 0, -1)]


def _ask(file: Path, question: str) -> list[tuple[str, ...]]:
    """Nothing while the file is not there or just being made."""
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        return connection.execute(question).fetchall()
    return []


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
