"""What the wheel brings, seen from an environment that knows nothing of the repository; the demo runs in it, too."""

import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

Start = Callable[..., subprocess.Popen[str]]


def files_below(package: Path) -> set[str]:
    found = (path.relative_to(package) for path in package.rglob("*") if path.is_file())
    return {str(path) for path in found if "__pycache__" not in path.parts and not path.name.startswith(".")}


@pytest.fixture
def seen(start_installed: Start, tmp_path: Path) -> Callable[[str], str]:
    """What a program prints in the environment."""

    def run(program: str) -> str:
        output, errors = (process := start_installed("python", "-c", program, folder=tmp_path)).communicate(timeout=60)
        assert process.returncode == 0, errors
        return output.strip()

    return run


def test_every_file_of_the_package_is_in_the_wheel(seen: Callable[[str], str], repository: Path) -> None:
    package = Path(seen("import image_assets; print(image_assets.__file__)")).parent
    assert not package.is_relative_to(repository)
    assert files_below(package) == files_below(repository / "image_assets")


def test_nothing_else_of_the_repository_is_in_the_wheel(seen: Callable[[str], str], repository: Path) -> None:
    others = {path.name for path in repository.iterdir() if path.is_dir() and path.name.isidentifier()}
    others -= {"image_assets"}
    assert "image_assets_tests" in others
    found = seen(f"import importlib.util as u; print(*[n for n in {others} if u.find_spec(n)])")
    assert found == ""


def test_the_command_says_which_version_it_is(start_installed: Start, repository: Path, tmp_path: Path) -> None:
    version = tomllib.loads((repository / "pyproject.toml").read_text())["project"]["version"]
    assert (
        start_installed("image-assets", "--version", folder=tmp_path).communicate(timeout=60)[0].split()[-1] == version
    )
