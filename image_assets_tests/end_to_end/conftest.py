"""The script as a user calls it: in a folder that holds nothing but dagster.yaml."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

import image_assets
from image_assets.settings import PREFIX

REPOSITORY = Path(image_assets.__file__).parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """This process's, without settings of the person who runs the tests."""
    own = {name: value for name, value in os.environ.items() if not name.upper().startswith((PREFIX, "DAGSTER_HOME"))}
    return {**own, "COLUMNS": "250"}


def _starter(python: Path, environment: dict[str, str]) -> Callable[..., subprocess.Popen[str]]:
    def start_script(script: str, *arguments: str, folder: Path, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [python.with_name(script), *arguments],
            cwd=folder,
            env={**environment, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return start_script


@pytest.fixture(scope="session")
def start(environment: dict[str, str]) -> Callable[..., subprocess.Popen[str]]:
    """Start a script of the environment in a folder, its output in pipes, in a process group of its own."""
    return _starter(Path(sys.executable), environment)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment with nothing in it but the wheel, and what the wheel requires within reach."""
    folder = tmp_path_factory.mktemp("wheel")
    # From a copy, because setuptools would also take what lies in the repository's build/ from another time.
    unwanted = shutil.ignore_patterns(".*", "__pycache__", "build", "data", "dist", "*.egg-info")
    shutil.copytree(REPOSITORY, folder / "source", ignore=unwanted)
    pip, offline = [sys.executable, "-m", "pip", "--quiet"], ["--no-index", "--no-deps"]
    build = [*pip, "wheel", *offline, "--no-build-isolation", "--wheel-dir", folder, folder / "source"]
    subprocess.run(build, check=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    python = folder / "env" / "bin" / "python"
    subprocess.run([*pip, "--python", python, "install", *offline, "--no-compile", wheel], check=True)
    # A path that is named in a .pth file has its own .pth files left alone: no editable install comes with it.
    (site,) = (folder / "env" / "lib").glob("python*/site-packages")
    (site / "requirements.pth").write_text(sysconfig.get_path("purelib"))
    return python


@pytest.fixture(scope="session")
def start_installed(installed: Path, environment: dict[str, str]) -> Callable[..., subprocess.Popen[str]]:
    """Start a script that the wheel brought, as `start` does."""
    return _starter(installed, {name: value for name, value in environment.items() if name != "PYTHONPATH"})


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Make a folder that holds a copy of dagster.yaml."""

    def make() -> Path:
        folder = tmp_path_factory.mktemp("home")
        shutil.copy(REPOSITORY / "dagster.yaml", folder)
        return folder

    return make
