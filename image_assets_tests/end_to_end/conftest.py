"""The script as a user calls it: in a folder that holds nothing but dagster.yaml."""

import os
import shutil
import subprocess
import sys
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


@pytest.fixture(scope="session")
def start(environment: dict[str, str]) -> Callable[..., subprocess.Popen[str]]:
    """Start a script of the environment in a folder, its output in pipes, in a process group of its own."""

    def start_script(script: str, *arguments: str, folder: Path, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [Path(sys.executable).with_name(script), *arguments],
            cwd=folder,
            env={**environment, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return start_script


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Make a folder that holds a copy of dagster.yaml."""

    def make() -> Path:
        folder = tmp_path_factory.mktemp("home")
        shutil.copy(REPOSITORY / "dagster.yaml", folder)
        return folder

    return make
