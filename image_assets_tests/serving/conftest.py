"""A real service: the command line serves a lake that the command line has filled, and tests ask it over HTTP.

Two users uploaded on two days: anna three photos, bo two and a file that is no picture. Nobody may change that lake: a
test that does takes a copy of it (`own_lake`).
"""

import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image, ImageDraw

import image_assets
from image_assets.access.keys import add_key
from image_assets.access.roles import Role
from image_assets.lake import object_keys
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.settings import PREFIX
from image_assets.steps.images.uploads import UploadFacts, add_upload

REPOSITORY = Path(image_assets.__file__).parents[1]
SCRIPT = Path(sys.executable).with_name("image-assets")
DAYS = (date(2026, 3, 14), date(2026, 3, 15))
_FRAME = 'Exif with a "place"'


def until(holds: Callable[[], bool]) -> bool:
    """Whether it holds within a quarter of a minute."""
    end = time.monotonic() + 15
    while not (held := holds()) and time.monotonic() < end:
        time.sleep(0.05)
    return held


def drawn_photo(colour: str, number: int) -> bytes:
    """A JPEG of a shape on a ground, with a camera's words in it."""
    picture = Image.new("RGB", (640, 480), colour)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((40 + 30 * number, 60, 300 + 30 * number, 400), fill="white", outline="black", width=9)
    draw.rectangle((400, 20 * number, 600, 200 + 20 * number), fill="black")
    exif = Image.Exif()
    exif[0x010E] = _FRAME
    file = io.BytesIO()
    picture.save(file, "JPEG", exif=exif)
    return file.getvalue()


@dataclass(frozen=True, slots=True)
class Lake:
    """A lake in a folder that `image-assets` runs in, and a key for each role."""

    folder: Path
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return self.folder / "data" / "lake"

    @property
    def tables(self) -> ParquetTables:
        return ParquetTables(LocalObjectStore(self.root))

    def ids_of(self, user: str) -> list[str]:
        """Ids of a user's accepted images, in the order of their names."""
        found = []
        for day in DAYS:
            rows = self.tables.scan_files(
                [f"tables/bronze_images/{day}.parquet"], ["image_id", "user_id", "raw_name"]
            ).filter(user_id=user)
            found += rows.sort("raw_name").get_column("image_id").to_list()
        return found

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `image-assets` on the lake."""
        return subprocess.run(
            [SCRIPT, *arguments], cwd=self.folder, env=environment(self), capture_output=True, text=True, check=False
        )


def environment(lake: Lake, **settings: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.upper().startswith((PREFIX, "DAGSTER_HOME"))}
    return {**own, "COLUMNS": "250", **{f"{PREFIX}{name.upper()}": value for name, value in settings.items()}}


@dataclass(frozen=True, slots=True)
class Served:
    """A running service."""

    url: str
    lake: Lake
    process: subprocess.Popen[str]

    def ask(self, path: str, key: str | None = None, method: str = "GET", **options: Any) -> httpx.Response:
        """Ask with the key of a role, or with none."""
        headers = {"Authorization": f"Bearer {self.lake.keys[key]}"} if key else {}
        headers |= options.pop("headers", {})
        return httpx.request(method, self.url + path, headers=headers, timeout=60, **options)


Upload = tuple[date, str, str, bytes, str | None]
UPLOADS: Sequence[Upload] = (
    (DAYS[0], "anna", "red.jpg", drawn_photo("red", 1), "dress"),
    (DAYS[0], "anna", "blue.jpg", drawn_photo("blue", 2), None),
    (DAYS[1], "anna", "green.jpg", drawn_photo("green", 3), "hat"),
    (DAYS[0], "bo", "yellow.jpg", drawn_photo("yellow", 4), None),
    (DAYS[1], "bo", "grey.jpg", drawn_photo("grey", 5), "shirt"),
    (DAYS[1], "bo", "note.jpg", b"not a picture at all", None),
)


@pytest.fixture(scope="session")
def filled_lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two days, run once."""
    return fill_lake(tmp_path_factory.mktemp("served"), UPLOADS)


def fill_lake(folder: Path, uploads: Sequence[Upload]) -> Lake:
    """A lake of uploads on the two days, run, with a key for each role and for anna and bo."""
    shutil.copy(REPOSITORY / "dagster.yaml", folder)
    lake = Lake(folder)
    store = LocalObjectStore(lake.root)
    for day, user, name, data, label in uploads:
        add_upload(
            store, UploadFacts(day, user, name, datetime(day.year, day.month, day.day, 9, tzinfo=UTC), label), data
        )
    done = lake.command("run", "--from", str(DAYS[0]), "--to", str(DAYS[1]))
    assert done.returncode == 2, done.stderr  # one file is rejected
    now = datetime.now(UTC)
    roles = {role.value: add_key(store, f"{role}er", [role], now)[1] for role in (Role.READ, Role.REVIEW, Role.ADMIN)}
    uploaders = {user: add_key(store, user, [Role.UPLOAD], now)[1] for user in ("anna", "bo")}
    return Lake(folder, {**roles, **uploaders})


@contextmanager
def starting() -> Iterator[Callable[..., Served]]:
    """Start services for lakes, with settings; they end with the block."""
    with ExitStack() as stack:

        def start(lake: Lake, *options: str, **settings: str) -> Served:
            log = stack.enter_context((lake.folder / "serve.log").open("ab"))
            process = subprocess.Popen(
                [SCRIPT, "serve", "--port", "0", *options],
                cwd=lake.folder,
                env={**environment(lake, **settings), "PYTHONUNBUFFERED": "1"},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
            stack.callback(_stop, process)
            line = process.stdout.readline() if process.stdout else ""
            assert "http://" in line, (lake.folder / "serve.log").read_text()
            return Served(line.split()[-1], lake, process)

        yield start


@pytest.fixture
def serve_lake() -> Iterator[Callable[..., Served]]:
    """Start services that end with the test."""
    with starting() as start:
        yield start


@pytest.fixture(scope="module")
def serve_for_module() -> Iterator[Callable[..., Served]]:
    """Start services that end with the tests of the file."""
    with starting() as start:
        yield start


def _stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    if process.stdout:
        process.stdout.close()


@pytest.fixture(scope="session")
def served(filled_lake: Lake) -> Iterator[Served]:
    """The filled lake, served."""
    with starting() as start:
        yield start(filled_lake)


@pytest.fixture(scope="session")
def copy_lake(filled_lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Lake]:
    """Copy the filled lake, to change it."""

    def copy() -> Lake:
        folder = tmp_path_factory.mktemp("own")
        # What Dagster remembers of the run stays behind: it names the other folder.
        # So does what others have asked of the lake: images that they hold for some minutes, answers, the trail.
        is_others = shutil.ignore_patterns(object_keys.LEASES, object_keys.ANSWERS, object_keys.AUDIT)
        shutil.copytree(filled_lake.root, folder / "data" / "lake", ignore=is_others)
        shutil.copy(REPOSITORY / "dagster.yaml", folder)
        return Lake(folder, filled_lake.keys)

    return copy


@pytest.fixture
def own_lake(copy_lake: Callable[[], Lake]) -> Lake:
    """A copy of the filled lake that a test may change."""
    return copy_lake()
