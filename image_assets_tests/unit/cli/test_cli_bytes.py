"""Arguments, names and surroundings that are not UTF-8."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import Result

from image_assets.errors import ImageAssetsError

Invoke = Callable[..., Result]
SCRIPT = Path(sys.executable).with_name("image-assets")
NO_TEXT = "caf\udce9"
ID = "00000000-0000-5000-8000-000000000000"


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", ".", "--user", NO_TEXT],
        ["add", ".", "--label", NO_TEXT],
        ["sql", f"select '{NO_TEXT}'"],
        ["search", NO_TEXT],
        ["search", "--like", NO_TEXT],
        ["search", "--label", NO_TEXT],
        ["search", "--where", f"label={NO_TEXT}"],
        ["search", "red", "--after", NO_TEXT],
        ["label", ID, NO_TEXT],
        ["label", ID, "dress", "--by", NO_TEXT],
        ["erase", NO_TEXT],
        ["erase", ID, "--by", NO_TEXT],
        ["restore", NO_TEXT],
        ["diff", "--day", "2026-10-01", "--table", NO_TEXT],
        ["duplicates", "same", NO_TEXT, ID],
        ["classifier", "promote", NO_TEXT],
        ["run", "--only", NO_TEXT],
        ["run", "--day", NO_TEXT],
        ["retry", "--reason", NO_TEXT],
        [NO_TEXT],
        [f"--{NO_TEXT}"],
    ],
    ids=ascii,
)
def test_an_argument_that_is_no_text_is_wrong_usage(full_home: Path, invoke: Invoke, arguments: list[str]) -> None:
    assert invoke(*arguments).exit_code == 2


@pytest.mark.parametrize("arguments", [["why", NO_TEXT], ["label", NO_TEXT, "dress"]], ids=lambda a: a[0])
def test_a_name_that_is_no_text_is_looked_for(full_home: Path, invoke: Invoke, arguments: list[str]) -> None:
    error = invoke(*arguments).exception
    assert isinstance(error, ImageAssetsError)
    assert "caf" in str(error)


def test_a_file_whose_name_is_no_text_is_added_and_its_story_told_by_that_name(
    damaged_home: Path, draw: Callable[..., bytes], invoke: Invoke, yesterday: date
) -> None:
    landing = damaged_home / "lake" / "landing" / yesterday.isoformat() / "ann"
    (landing / f"{NO_TEXT}.jpg").write_bytes(draw((1, 2, 3)))
    (damaged_home / f"{NO_TEXT}.png").write_bytes(b"no picture")
    assert invoke("add", f"{NO_TEXT}.png", "--day", yesterday.isoformat(), "--user", "ann").exit_code == 0
    assert invoke("run", "--day", yesterday.isoformat()).exit_code == 2
    assert "caf%E9.jpg" in invoke("why", f"{NO_TEXT}.jpg").output
    assert "not_an_image" in invoke("why", f"{NO_TEXT}.png").output


@pytest.mark.parametrize("name", ["IMAGE_ASSETS_WATERMARK_TEXT", "IMAGE_ASSETS_ROOT", "IMAGE_ASSETS_ENCODER"])
def test_a_setting_that_is_no_text_is_named(
    home: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, NO_TEXT)
    assert f"{name} is not UTF-8" in str(invoke("status").exception)


def test_a_lake_below_a_folder_whose_name_is_no_text_is_refused(
    home: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / NO_TEXT).mkdir()
    monkeypatch.chdir(home / NO_TEXT)
    monkeypatch.setenv("IMAGE_ASSETS_ROOT", "lake")
    assert "IMAGE_ASSETS_ROOT" in str(invoke("status").exception)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["sql", "select 'caf\N{LATIN SMALL LETTER E WITH ACUTE} \N{DRESS}' as name"], 0),
        (["sql", "selec '\N{DRESS}'"], 1),
        (["sql", f"select '{NO_TEXT}'"], 2),
    ],
    ids=ascii,
)
def test_a_terminal_that_knows_only_ascii_is_told_as_much_as_it_can_show(
    home: Path, arguments: list[str], code: int
) -> None:
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = subprocess.run([SCRIPT, *arguments], capture_output=True, env=ascii_only, check=False)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr
    assert done.stdout.isascii()
    if code == 0:
        assert rb"caf\xe9 \U0001f457" in done.stdout
