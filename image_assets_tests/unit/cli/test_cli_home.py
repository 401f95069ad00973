"""Commands in a folder without dagster.yaml, or whose Dagster files are damaged."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from image_assets.errors import ConfigurationError, StorageError

Invoke = Callable[..., Result]

REFUSED = (
    "import sys\n"
    "from image_assets.cli.main import cli\n"
    "from image_assets.errors import ConfigurationError\n"
    "try: cli.main(sys.argv[1:], standalone_mode=False)\n"
    "except ConfigurationError as error: print(error, 'dagster' in sys.modules, 'torch' in sys.modules)"
)


@pytest.mark.parametrize(
    "command", ["run", "run --only failed", "retry --reason timeout", "train", "demo", "plan --only failed"]
)
def test_a_folder_without_dagster_yaml_is_told_before_anything_is_done(
    home: Path, invoke: Invoke, command: str
) -> None:
    result = invoke(*command.split())
    assert isinstance(result.exception, ConfigurationError)
    assert str(result.exception) == f"no dagster.yaml in {home}: run from the repository or set DAGSTER_HOME"
    assert list(home.iterdir()) == []


def test_a_folder_without_dagster_yaml_is_told_before_dagster_is_imported(home: Path) -> None:
    done = subprocess.run([sys.executable, "-c", REFUSED, "run"], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("set DAGSTER_HOME False False")


@pytest.fixture
def elsewhere(full_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, without a dagster.yaml; the full lake is named by its root."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("plan", "no dagster.yaml here: what recent runs took, and which failed, is not known"),
        ("why white\nhat.jpg", "no dagster.yaml here: which run computed what is not known"),
        ("status", "Images by day"),
    ],
)
def test_what_can_be_told_without_dagster_is_told(elsewhere: Path, invoke: Invoke, command: str, told: str) -> None:
    result = invoke(*command.split(" ", 1))
    assert (result.exit_code, told in result.output) == (0, True)


@pytest.mark.parametrize("command", ["run", "plan", "why white\nhat.jpg", "run --only failed"])
def test_a_damaged_file_of_dagsters_is_named_by_every_command_that_opens_it(
    damaged_home: Path, invoke: Invoke, command: str
) -> None:
    folder = damaged_home / "data" / "dagster" / "history"
    folder.mkdir(parents=True)
    (folder / "runs.db").write_bytes(b"no database " * 1000)
    result = invoke(*command.split(" "))
    assert isinstance(result.exception, StorageError)
    assert f"{folder}/runs.db is damaged" in str(result.exception)
