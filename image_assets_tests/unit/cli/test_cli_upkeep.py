"""Erasing, archiving and comparing from the command line."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from click.testing import Result

from image_assets.errors import ConfigurationError

Invoke = Callable[..., Result]


@pytest.fixture
def image_id(damaged_home: Path, yesterday: date) -> str:
    return str(pl.read_parquet(damaged_home / f"lake/tables/bronze_images/{yesterday}.parquet")["image_id"][0])


def holding(folder: Path, image_id: str) -> list[Path]:
    return [path for path in folder.rglob("*") if image_id in path.name]


def test_a_dry_run_says_what_would_go_and_removes_nothing(invoke: Invoke, damaged_home: Path, image_id: str) -> None:
    before = holding(damaged_home, image_id)
    result = invoke("erase", image_id, "--dry-run")
    assert f"thumbnail/{image_id[:2]}/{image_id}.webp" in result.output
    assert holding(damaged_home, image_id) == before


def test_whoever_says_no_erases_nothing(invoke: Invoke, damaged_home: Path, image_id: str) -> None:
    before = holding(damaged_home, image_id)
    assert invoke("erase", image_id).exit_code == 1
    assert holding(damaged_home, image_id) == before


def test_an_erased_image_is_gone_and_its_certificate_is_shown(
    invoke: Invoke, damaged_home: Path, image_id: str, yesterday: date
) -> None:
    result = invoke("erase", image_id, "--yes", "--no-run", "--by", "ticket 7")
    assert "ticket 7" in result.output
    assert f"run again: {yesterday}" in result.output
    assert holding(damaged_home, image_id) == []
    assert "nothing is left" in invoke("erase", image_id, "--dry-run").output


def test_an_erased_image_has_its_certificate_for_a_story(invoke: Invoke, damaged_home: Path, image_id: str) -> None:
    invoke("erase", image_id, "--yes", "--no-run", "--by", "ticket 7")
    assert "ticket 7" in invoke("why", image_id).output


def test_after_an_erasure_the_day_is_run_again(
    invoke: Invoke, damaged_home: Path, image_id: str, yesterday: date
) -> None:
    assert invoke("erase", image_id, "--yes").exit_code == 0
    assert (damaged_home / f"lake/reports/{yesterday}/report.html").is_file()
    counted = invoke("sql", "select images from daily_summary where kind = 'outcome' and name = 'accepted'", "--csv")
    assert counted.output.split() == ["images", "2"]


def test_originals_move_to_the_archive_and_come_back(
    invoke: Invoke, damaged_home: Path, monkeypatch: pytest.MonkeyPatch, yesterday: date, image_id: str
) -> None:
    monkeypatch.setenv("IMAGE_ASSETS_ARCHIVE_ROOT", str(damaged_home / "cold"))
    assert "3 originals of 1 days moved" in invoke("archive", "--older-than", "0").output
    assert holding(damaged_home / "lake/bronze", image_id) == []
    assert "1 originals are back" in invoke("restore", image_id).output
    assert "2 originals are back" in invoke("restore", "--day", str(yesterday)).output
    assert len(holding(damaged_home / "lake/bronze", image_id)) == 1


def test_archiving_needs_an_age_and_a_place(
    invoke: Invoke, damaged_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "--older-than" in invoke("archive").output
    refused = invoke("archive", "--older-than", "90").exception
    assert isinstance(refused, ConfigurationError)
    assert "IMAGE_ASSETS_ARCHIVE_ROOT" in str(refused)


def test_restoring_is_asked_by_id_or_by_day(invoke: Invoke, home: Path) -> None:
    assert "one of them" in invoke("restore").output


def test_a_day_without_history_says_so(invoke: Invoke, full_home: Path, yesterday: date) -> None:
    refused = invoke("diff", "--day", str(yesterday)).exception
    assert "made by a former recipe" in str(refused)


def test_a_diff_names_the_columns_that_changed(invoke: Invoke, damaged_home: Path, yesterday: date) -> None:
    previews = damaged_home / "lake/tables/watermarked_previews"
    former = previews.parent / f"_history/watermarked_previews/{yesterday}/0123456789abcdef.parquet"
    former.parent.mkdir(parents=True)
    rows = pl.read_parquet(previews / f"{yesterday}.parquet")
    rows.with_columns(pl.col("size_bytes") + 7).write_parquet(former)
    told = invoke("diff", "--day", str(yesterday)).output
    assert "against recipe 0123456789abcdef: 3 images, 0 added, 0 removed, 3 changed" in told
    assert "7.000" in told
    assert "width_px" not in told
