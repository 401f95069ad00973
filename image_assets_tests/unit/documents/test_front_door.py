"""What a newcomer reads first, and what machines call: the Makefile is the one list of what can be done."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CI, HOOKS, RUN = ROOT / ".github" / "workflows" / "ci.yml", ROOT / ".pre-commit-config.yaml", ROOT / ".ci" / "run"


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def called_in(file: Path) -> set[str]:
    """Targets of every `make …` that is a command: at the start of a line or of code, after `run:` or `entry:`."""
    commands = re.findall(r"(?:^|`|run: |entry: )make ((?:[a-z]+ ?)+)", file.read_text(), re.MULTILINE)
    return {target for command in commands for target in command.split()}


def test_every_target_that_is_named_is_in_the_makefile() -> None:
    for file in (CI, HOOKS, RUN, ROOT / "CONTRIBUTING.md"):
        assert called_in(file), file
        assert called_in(file) - targets() == set(), file


def test_machines_call_targets_and_nothing_else() -> None:
    steps = re.findall(r"[ -](?:run|entry): (.*)", CI.read_text() + HOOKS.read_text())
    assert [step for step in steps if not step.startswith("make ")] == []


def test_every_target_is_run_whatever_files_lie_there() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(phony.split()) == targets()


def test_actions_are_pinned_to_a_commit_and_may_only_read() -> None:
    workflow = CI.read_text()
    actions = re.findall(r"uses: (.*)", workflow)
    assert [action for action in actions if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v[\d.]+", action)] == []
    assert re.findall(r"permissions:\n((?:  +.*\n)+)", workflow) == ["  contents: read\n"]


def test_every_room_of_the_house_is_on_its_one_page() -> None:
    houses = [each for each in PROJECT["tool"]["importlinter"]["contracts"] if each.get("containers") != ["workshop"]]
    rooms = {room.strip() for each in houses for layer in each.get("layers", []) for room in layer.split("|")}
    page = (ROOT / "CONTRIBUTING.md").read_text()
    assert sorted(room for room in rooms if f"`{room}`" not in page) == []


def test_the_newest_release_is_the_version_of_the_package() -> None:
    (newest, day), *_ = re.findall(r"^## (\d+\.\d+\.\d+) - (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", day)
    assert newest == PROJECT["project"]["version"]
