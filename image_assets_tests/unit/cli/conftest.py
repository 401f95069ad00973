"""The command line in this process, in a current folder and over a root of its own."""

import io
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import image_assets
from image_assets.cli.main import cli
from image_assets.settings import PREFIX

RAW_NAMES = ("red\x1b[31mshirt\x07.jpg", "blue [bold]shoe.jpg", "white\nhat.jpg")


def _picture(colour: tuple[int, int, int]) -> bytes:
    noise = np.random.default_rng(sum(colour)).integers(-20, 20, (30, 40, 3))
    pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((400, 300), Image.Resampling.BICUBIC).save(buffer, "JPEG")
    return buffer.getvalue()


def _settle(patch: pytest.MonkeyPatch, home: Path, root: Path) -> None:
    for name in [name for name in os.environ if name.upper().startswith((PREFIX, "DAGSTER_HOME"))]:
        patch.delenv(name)
    patch.setenv("IMAGE_ASSETS_ROOT", str(root))
    patch.setenv("IMAGE_ASSETS_WORKERS", "2")
    patch.setenv("COLUMNS", "250")
    patch.chdir(home)


def _invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


@pytest.fixture(scope="session")
def invoke() -> Callable[..., Result]:
    """Run a command; errors are in `exception`, what is printed in `output`."""
    return _invoke


@pytest.fixture(scope="session")
def draw() -> Callable[[tuple[int, int, int]], bytes]:
    """A JPEG of 400 x 300 that is mostly of one colour."""
    return _picture


@pytest.fixture(scope="session")
def yesterday() -> date:
    return datetime.now(UTC).date() - timedelta(days=1)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, empty; the root is the folder `lake` in it, which is not there yet."""
    _settle(monkeypatch, tmp_path, tmp_path / "lake")
    return tmp_path


@pytest.fixture(scope="session")
def _full(tmp_path_factory: pytest.TempPathFactory, yesterday: date) -> Iterator[tuple[Path, Result]]:
    home = tmp_path_factory.mktemp("home")
    shutil.copy(Path(image_assets.__file__).parents[1] / "dagster.yaml", home)
    colours = (200, 20, 20), (20, 20, 200), (235, 235, 235)
    with pytest.MonkeyPatch.context() as patch:
        _settle(patch, home, home / "lake")
        for name, colour in zip(RAW_NAMES, colours, strict=True):
            (home / name).write_bytes(_picture(colour))
            _invoke("add", str(home / name), "--day", yesterday.isoformat(), "--user", "ann")
        (home / "note.txt").write_text("no picture")
        _invoke("add", str(home / "note.txt"), "--day", yesterday.isoformat(), "--user", "ann")
        yield home, _invoke("run", "--day", yesterday.isoformat())


@pytest.fixture
def full_home(_full: tuple[Path, Result], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, whose lake holds yesterday: three pictures with odd names and a text."""
    _settle(monkeypatch, _full[0], _full[0] / "lake")
    return _full[0]


@pytest.fixture
def damaged_home(full_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it to damage."""
    shutil.copytree(full_home / "lake", tmp_path / "lake")
    shutil.copy(full_home / "dagster.yaml", tmp_path)
    _settle(monkeypatch, tmp_path, tmp_path / "lake")
    return tmp_path


@pytest.fixture
def run_of_yesterday(_full: tuple[Path, Result]) -> Result:
    return _full[1]
