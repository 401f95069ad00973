"""`run --lots`: what the day has not is wrong usage, before anything is done."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import Result

import image_assets

Invoke = Callable[..., Result]
ASK_FOR_A_RANGE = "give a number or two in their order, as 3 or 0-7"


@pytest.fixture
def lake(home: Path, invoke: Invoke, yesterday: date, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One upload of a day that no run has begun, and that will be three lots."""
    shutil.copy(Path(image_assets.__file__).parents[1] / "dagster.yaml", home)
    (home / "note.txt").write_text("no picture")
    assert invoke("add", "note.txt", "--day", str(yesterday)).exit_code == 0
    monkeypatch.setenv("IMAGE_ASSETS_LOTS", "3")
    return home / "lake"


@pytest.mark.parametrize(
    ("lots", "told"),
    [
        ("x", ASK_FOR_A_RANGE),
        ("1-0", ASK_FOR_A_RANGE),
        ("-1", ASK_FOR_A_RANGE),
        ("", ASK_FOR_A_RANGE),
        ("0-9", "0-9: the day has 3 lots, 0 to 2"),
        ("3", "3: the day has 3 lots, 0 to 2"),
    ],
)
def test_lots_that_a_day_has_not_are_wrong_usage(
    lake: Path, invoke: Invoke, yesterday: date, lots: str, told: str
) -> None:
    before = sorted(lake.rglob("*"))
    done = invoke("run", "--day", str(yesterday), "--lots", lots)
    assert (done.exit_code, told in done.output) == (2, True)
    assert sorted(lake.rglob("*")) == before


def test_a_day_of_one_lot_says_so(lake: Path, invoke: Invoke, yesterday: date, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMAGE_ASSETS_LOTS")
    done = invoke("run", "--day", str(yesterday), "--lots", "0-1")
    assert (done.exit_code, "the day has one lot, 0" in done.output) == (2, True)
