"""`dismiss`: junk that was looked at no longer makes a run end with 2."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import Result

from image_assets.errors import UnknownImageError

Invoke = Callable[..., Result]


def test_after_the_only_rejected_file_is_dismissed_a_run_ends_with_0_until_that_is_taken_back(
    damaged_home: Path, invoke: Invoke, yesterday: date
) -> None:
    result = invoke("dismiss", "note.txt", "--note", "not for us")
    assert f"1 files are dismissed; image-assets run shows it:\n  image-assets run --day {yesterday}" in result.output
    run = invoke("run", "--day", f"{yesterday}")
    assert run.exit_code == 0, run.exception
    assert "dismissed 1" in invoke("status").output
    assert "dismissed" in invoke("sql", "select state from rejected_images").output
    invoke("dismiss", "note.txt", "--undo")
    assert invoke("run", "--day", f"{yesterday}").exit_code == 2


def test_all_files_rejected_for_a_reason_are_dismissed_at_once(damaged_home: Path, invoke: Invoke) -> None:
    assert "1 files are dismissed" in invoke("dismiss", "--reason", "not_an_image").output
    assert "0 files are dismissed" in invoke("dismiss", "--reason", "empty").output


def test_what_is_no_rejected_file_is_named_and_nothing_is_kept(damaged_home: Path, invoke: Invoke) -> None:
    result = invoke("dismiss", "note.txt", "blue [bold]shoe.jpg")
    assert isinstance(result.exception, UnknownImageError)
    assert "blue [bold]shoe.jpg is no rejected file" in str(result.exception)
    assert not (damaged_home / "lake" / "dismissals").exists()


@pytest.mark.parametrize("arguments", [[], ["--day", "2026-03-04"], ["note.txt", "--reason", "ugly"]])
def test_without_a_name_or_a_reason_nothing_is_meant(home: Path, invoke: Invoke, arguments: list[str]) -> None:
    assert invoke("dismiss", *arguments).exit_code == 2
