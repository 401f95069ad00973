"""Photos that came more than once, and what a person says of them, on the command line."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from click.testing import Result

from image_assets.errors import UnknownImageError
from image_assets.lake import object_keys

Invoke = Callable[..., Result]


def ids_in(home: Path) -> list[str]:
    return pl.read_parquet(home / "lake/tables/duplicate_images/*.parquet").get_column("image_id").to_list()


def test_nothing_is_listed_while_every_photo_came_once(full_home: Path, invoke: Invoke) -> None:
    result = invoke("duplicates")
    assert result.exit_code == 0
    assert "0 photos came 0 times" in result.output


def test_a_decision_is_kept_and_says_from_when_on_it_counts(damaged_home: Path, invoke: Invoke) -> None:
    one, other, _ = ids_in(damaged_home)
    result = invoke("duplicates", "same", one, other)
    assert "image-assets run --from" in result.output
    assert len(list((damaged_home / "lake" / object_keys.PAIR_REVIEWS).iterdir())) == 1


def test_a_decision_about_an_unknown_image_is_refused(full_home: Path, invoke: Invoke) -> None:
    result = invoke("duplicates", "different", ids_in(full_home)[0], "nonsense")
    assert isinstance(result.exception, UnknownImageError)


def test_a_run_without_a_day_takes_in_todays_files_and_a_copy_is_listed_in_a_narrow_terminal(
    damaged_home: Path, invoke: Invoke, draw: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    (damaged_home / "again \x1b[31m.jpg").write_bytes(draw((200, 20, 20)))
    invoke("add", "again \x1b[31m.jpg", "--user", "bob", "--label", "shirt")
    today = datetime.now(UTC).date()
    result = invoke("run")
    assert f"{today}: 1 new files" in result.output
    assert f"│ {today} │    1 │        1 │" in result.output
    monkeypatch.setenv("COLUMNS", "80")
    shown = invoke("duplicates").output
    assert "1 photos came 2 times" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert len([image_id for image_id in ids_in(damaged_home) if f"│ {image_id} │" in shown]) == 2
    assert "shirt · again \N{REPLACEMENT CHARACTER}[31m.jpg" in shown
