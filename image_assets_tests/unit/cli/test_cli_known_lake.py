"""Commands at an empty place, such as a mount point without its mount, where runs worked on a lake."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import Result

from image_assets.cli.commands import PLACES
from image_assets.errors import StoreUnavailableError

Invoke = Callable[..., Result]

OF_NO_LAKE = {"upload", "events", "models"}
COMMANDS = [
    "demo --images-per-day 1",
    "add note.txt",
    "migrate photos",
    "migration status",
    "migration move somewhere photos",
    "migration finalize",
    "plan",
    "run",
    "run --pending",
    "retry --reason timeout",
    "dismiss --reason timeout",
    "accept note.txt",
    "status",
    "why note.txt",
    "report",
    "duplicates",
    "search",
    "sql SELECT",
    "label note.txt dress",
    "reviews",
    "reviews --next 3",
    "train",
    "train --follow",
    "classifier list",
    "classifier promote head-1",
    "classifier rollback",
    "diff --day 2026-11-01",
    "erase --yes 123",
    "archive --older-than 1",
    "restore --day 2026-11-01",
    "scrub",
    "repair --yes",
    "serve --port 0",
    "keys add ann --role admin",
    "keys list",
    "keys revoke 0123456789ab",
    "keys rotate-links",
    "settings",
    "config set audit_share 0.1",
    "config unset audit_share",
    "config history",
    "doctor",
]


@pytest.fixture
def run(invoke: Invoke, yesterday: date) -> Callable[..., Result]:
    """Run a lot of yesterday, which is of few images."""
    return lambda *options: invoke("run", "--day", str(yesterday), "--lots", "0", *options)


@pytest.fixture
def lake(damaged_home: Path, run: Callable[..., Result]) -> Path:
    """A lake that a run has worked on."""
    assert run().exit_code == 0
    (damaged_home / "photos").mkdir()
    (damaged_home / "note.txt").write_text("no picture")
    return damaged_home / "lake"


@pytest.fixture
def away(lake: Path) -> Path:
    """Where it was; it is moved away."""
    away = lake.rename(lake.with_name("away"))
    lake.mkdir()
    return away


def is_refused(result: Result) -> bool:
    is_told = isinstance(result.exception, StoreUnavailableError) and "run --create" in str(result.exception)
    return is_told or (result.exit_code == 1 and "there is no lake" in result.output)


def test_every_command_of_the_lake_says_that_it_is_away_and_leaves_its_place_empty(
    away: Path, lake: Path, invoke: Invoke
) -> None:
    assert {each.split()[0] for each in COMMANDS} == PLACES.keys() - OF_NO_LAKE
    told = {each: invoke(*each.split()) for each in COMMANDS}
    assert {each: result.output for each, result in told.items() if not is_refused(result)} == {}
    assert list(lake.iterdir()) == []


def test_where_nothing_was_ever_run_to_ask_leaves_nothing(home: Path, invoke: Invoke) -> None:
    shutil.copy(Path(__file__).parents[3] / "dagster.yaml", home)
    assert invoke("status").exit_code == 0
    assert [each.name for each in home.iterdir()] == ["dagster.yaml"]


STATUS = (
    "import sys\n"
    "from image_assets.cli.main import cli\n"
    "cli.main(['status'], standalone_mode=False)\n"
    "print('dagster' in sys.modules, 'yaml' in sys.modules)"
)


def test_a_lake_with_its_mark_asks_no_dagster(lake: Path) -> None:
    done = subprocess.run([sys.executable, "-c", STATUS], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("False False")


def test_a_lake_that_is_back_is_worked_on_as_before(away: Path, lake: Path, run: Callable[..., Result]) -> None:
    assert is_refused(run())
    lake.rmdir()
    away.rename(lake)
    assert run().exit_code == 0


@pytest.mark.parametrize("is_empty_folder", [True, False])
def test_whoever_deleted_the_lake_says_so_once(
    away: Path, lake: Path, run: Callable[..., Result], invoke: Invoke, is_empty_folder: bool
) -> None:
    if not is_empty_folder:
        lake.rmdir()
    assert run("--create").exit_code == 0
    assert [run().exit_code, invoke("add", "note.txt").exit_code, invoke("status").exit_code] == [0, 0, 0]


def test_a_run_that_finds_another_lake_says_so_once_until_it_is_told_to_take_it(
    away: Path, lake: Path, run: Callable[..., Result]
) -> None:
    (lake / "lake.json").write_text('{"lake_id": "another"}')
    refused = run()
    assert isinstance(refused.exception, StoreUnavailableError)
    assert f"there is another lake at {lake}/lake.json" in str(refused.exception)
    assert "another lake" not in refused.output
    assert (run("--create").exit_code, run().exit_code) == (0, 0)


@pytest.mark.parametrize(
    "command",
    ["demo --images-per-day 1", "retry --reason timeout", "erase --yes 123", "repair --yes", "archive --older-than 1"],
)
def test_what_runs_in_the_end_or_cannot_be_taken_back_changes_nothing_of_another_lake(
    away: Path, lake: Path, invoke: Invoke, command: str
) -> None:
    (lake / "lake.json").write_text('{"lake_id": "another"}')
    assert "another lake" in str(invoke(*command.split()).exception)
    assert [each.name for each in lake.iterdir()] == ["lake.json"]


def test_a_demo_begins_anew_where_it_is_told_to(away: Path, lake: Path, invoke: Invoke) -> None:
    assert "there is no lake" in str(invoke("demo", "--images-per-day", "1").exception)
    assert list(lake.iterdir()) == []
    begun = invoke("demo", "--images-per-day", "1", "--create")
    assert begun.exit_code == 0, begun.output


@pytest.mark.parametrize("content", [None, "", "{"])
def test_a_mark_that_is_damaged_or_gone_is_made_anew_by_hand(
    lake: Path, run: Callable[..., Result], content: str | None
) -> None:
    (lake / "lake.json").unlink()
    if content is not None:
        (lake / "lake.json").write_text(content)
    assert "image-assets run --create" in str(run().exception)
    assert (run("--create").exit_code, run().exit_code) == (0, 0)


@pytest.fixture
def elsewhere(lake: Path, run: Callable[..., Result]) -> Path:
    """Where the landing zone of the lake was placed."""
    elsewhere = (lake / "landing").rename(lake.with_name("elsewhere"))
    (lake / "landing").symlink_to(elsewhere)
    assert run().exit_code == 0
    return elsewhere


@pytest.mark.parametrize("lost", ["lake.json", "landing/.lake/lake.json"])
def test_a_run_takes_a_placed_folder_by_hand(
    elsewhere: Path, lake: Path, run: Callable[..., Result], lost: str
) -> None:
    (lake / lost).unlink()
    assert "image-assets run --create" in str(run().exception)
    assert (run("--create").exit_code, run().exit_code) == (0, 0)


def test_a_link_that_leads_nowhere_is_named_to_whoever_takes_what_is_there(
    elsewhere: Path, lake: Path, run: Callable[..., Result]
) -> None:
    shutil.rmtree(elsewhere)
    assert "if landing is a link that leads nowhere, remove it" in str(run("--create").exception)
    (lake / "landing").unlink()
    assert (run("--create").exit_code, run().exit_code) == (0, 0)


def test_nothing_is_added_to_a_landing_zone_that_is_away(elsewhere: Path, lake: Path, invoke: Invoke) -> None:
    elsewhere.rename(elsewhere.with_name("away"))
    elsewhere.mkdir()
    refused = invoke("add", "note.txt")
    assert f"there is no lake at {lake}/landing/" in str(refused.exception)
    assert list(elsewhere.iterdir()) == []


def test_a_damaged_mark_keeps_a_key_from_being_made(lake: Path, invoke: Invoke) -> None:
    (lake / "lake.json").write_text("")
    assert "lake.json is damaged" in str(invoke("keys", "add", "ann", "--role", "admin").exception)
    assert not (lake / "access" / "keys").exists()
