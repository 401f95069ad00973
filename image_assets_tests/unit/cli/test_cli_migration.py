"""`migrate` and `migration`: from a folder of photos to a finished migration."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import Result

import image_assets
from image_assets.cli.examinations_elsewhere import examine_sources
from image_assets.errors import ConfigurationError, ImageAssetsError, StoreUnavailableError
from image_assets.opening import open_objects
from image_assets.settings import load_settings

Draw = Callable[[tuple[int, int, int]], bytes]
Invoke = Callable[..., Result]


@pytest.fixture
def source(home: Path, draw: Draw, yesterday: date) -> Path:
    """A photo of yesterday, and words."""
    folder = home / "source"
    folder.mkdir()
    (folder / "red.jpg").write_bytes(draw((200, 20, 20)))
    (folder / "words.jpg").write_text("words")
    at = datetime.combine(yesterday, datetime.min.time()).timestamp() + 12 * 3600
    os.utime(folder / "red.jpg", (at, at))
    return folder


def states(invoke: Invoke) -> dict[str, str]:
    answer = invoke("sql", "select path, state from processing_log", "--json")
    rows = [json.loads(line) for line in answer.output.splitlines() if line.startswith("{")]
    return {row["path"]: row["state"] for row in rows}


def test_a_dry_run_tells_what_there_is_and_writes_nothing(home: Path, source: Path, invoke: Invoke) -> None:
    done = invoke("migrate", str(source), "--dry-run")
    assert done.exit_code == 0
    for said in (
        "image",
        "not_an_image",
        "words.jpg: no known image format",
        "1 photos of 1 days",
        "nothing was written",
    ):
        assert said in done.output
    assert not (home / "lake").exists() or not any((home / "lake").rglob("*.parquet"))
    assert not (home / "lake" / "sources.json").exists()


def test_what_is_migrated_is_run_and_ended(home: Path, source: Path, invoke: Invoke) -> None:
    shutil.copy(Path(image_assets.__file__).parents[1] / "dagster.yaml", home)
    assert "next: image-assets run --pending" in invoke("migrate", str(source)).output
    assert states(invoke) == {"red.jpg": "pending", "words.jpg": "failed"}
    assert isinstance(invoke("migration", "finalize").exception, ImageAssetsError)
    assert invoke("run", "--pending").exit_code == 0
    assert "0 of 1 days are pending" in invoke("run", "--pending").output
    done = invoke("migration", "finalize")
    assert (done.exit_code, "the migration is over" in done.output) == (0, True)
    assert states(invoke) == {"red.jpg": "indexed", "words.jpg": "failed"}
    assert "finalized" in invoke("migration", "status").output
    assert invoke("migrate", str(source)).output.count("2 entries are as an earlier scan has noted them") == 1


def test_an_empty_folder_is_no_source_until_it_has_been_one(home: Path, source: Path, invoke: Invoke) -> None:
    (home / "unmounted").mkdir()
    done = invoke("migrate", str(source), "unmounted")
    assert isinstance(done.exception, ConfigurationError)
    assert "is it spelt right, and mounted?" in str(done.exception)
    assert states(invoke) == {}
    assert invoke("migrate", str(source)).exit_code == 0
    for file in source.iterdir():
        file.unlink()
    assert "0 entries" in invoke("migrate", str(source)).output


def test_the_status_counts_the_entries_of_each_source(source: Path, invoke: Invoke) -> None:
    invoke("migrate", str(source))
    done = invoke("migration", "status", "--json")
    rows = [json.loads(line) for line in done.output.splitlines() if line.startswith("{")]
    assert [(row["state"], row["reason"], row["files"]) for row in rows] == [
        ("failed", "not_an_image", 1),
        ("pending", None, 1),
    ]


def test_a_source_that_was_moved_is_told(source: Path, invoke: Invoke) -> None:
    invoke("migrate", str(source))
    elsewhere = source.rename(source.with_name("elsewhere"))
    done = invoke("migration", "move", str(source), str(elsewhere))
    assert str(elsewhere) in done.output
    assert "2 entries are as an earlier scan" in invoke("migrate", str(elsewhere)).output


def test_the_doctor_looks_for_sources(source: Path, invoke: Invoke) -> None:
    assert examine_sources(load_settings()) == "none"
    invoke("migrate", str(source))
    assert examine_sources(load_settings()).startswith("1 sources are there")
    source.rename(source.with_name("away"))
    with pytest.raises(StoreUnavailableError, match="mount it"):
        examine_sources(load_settings())


def test_another_folder_is_not_taken_for_a_source(home: Path, source: Path, invoke: Invoke) -> None:
    invoke("migrate", str(source))
    (home / "other").mkdir()
    assert isinstance(invoke("migration", "move", str(source), str(home / "other")).exception, StoreUnavailableError)


@pytest.mark.parametrize("inner", ["source/inner", "."])
def test_no_file_is_registered_under_two_sources(home: Path, source: Path, invoke: Invoke, inner: str) -> None:
    (source / "inner").mkdir()
    invoke("migrate", str(source))
    failed = invoke("migrate", str(home / inner)).exception
    assert isinstance(failed, ConfigurationError)
    assert "registered twice" in str(failed)


def test_the_lake_is_no_source(home: Path, invoke: Invoke) -> None:
    (home / "lake" / "landing").mkdir(parents=True)
    assert isinstance(invoke("migrate", str(home / "lake" / "landing")).exception, ConfigurationError)


@pytest.mark.parametrize("wrong", [["--date", "sometime"], ["--per-day", "0"], ["--undated", "x"], []])
def test_wrong_usage_is_told(home: Path, invoke: Invoke, wrong: list[str]) -> None:
    assert invoke("migrate", *([str(home), *wrong] if wrong else [])).exit_code == 2


def test_a_source_that_is_not_there_is_told(home: Path, invoke: Invoke) -> None:
    assert isinstance(invoke("migrate", str(home / "nowhere")).exception, ConfigurationError)
    assert isinstance(invoke("migrate", "ftp://host/x").exception, ConfigurationError)


def test_a_list_tells_whose_a_file_is(home: Path, source: Path, invoke: Invoke) -> None:
    (home / "list.csv").write_text("file,user_id,label\nred.jpg,77,Dress\n")
    invoke("migrate", str(source), "--manifest", str(home / "list.csv"))
    answer = invoke("sql", "select user_id, label from source_entries where kind = 'image'", "--json")
    assert '"user_id": "77", "label": "dress"' in answer.output


def test_a_scan_that_was_told_otherwise_is_begun_anew(source: Path, invoke: Invoke) -> None:
    shutil.copy(source / "red.jpg", source / "again.jpg")
    today = datetime.now(UTC).date().isoformat()
    assert "has room" in str(invoke("migrate", str(source), "--date", today, "--per-day", "1").exception)
    again = invoke("migrate", str(source))
    assert "has not ended" in str(again.exception)
    assert invoke("migrate", str(source), "--anew").exit_code == 0
    assert states(invoke) == {"again.jpg": "pending", "red.jpg": "pending", "words.jpg": "failed"}


@pytest.mark.parametrize("option", ["--date", "--undated"])
@pytest.mark.parametrize("mode", [[], ["--dry-run"]])
def test_a_day_that_has_not_come_is_refused_before_anything_is_noted(
    home: Path, invoke: Invoke, option: str, mode: list[str]
) -> None:
    (home / "no photos").mkdir()
    failed = invoke("migrate", str(home / "no photos"), option, "2999-01-01", *mode).exception
    assert isinstance(failed, ConfigurationError)
    assert f"{option} 2999-01-01 has not come yet: choose a day up to" in str(failed)
    assert not (home / "lake" / "sources.json").exists()


def test_a_first_day_that_has_not_come_is_told(source: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGE_ASSETS_START_DAY", "2999-01-01")
    assert "the first day has not come yet" in str(invoke("migrate", str(source)).exception)


def test_days_before_the_first_one_are_told(source: Path, invoke: Invoke) -> None:
    for option in ("--date", "--undated"):
        failed = invoke("migrate", str(source), option, "1999-01-01").exception
        assert "IMAGE_ASSETS_START_DAY" in str(failed)


def test_one_migration_at_a_time(source: Path, invoke: Invoke) -> None:
    with open_objects(load_settings()).claiming("migrate"):
        assert "wait for it" in str(invoke("migrate", str(source)).exception)
        assert invoke("migrate", str(source), "--dry-run").exit_code == 0
    assert invoke("migrate", str(source)).exit_code == 0


def test_sources_that_are_named_together_are_apart(home: Path, source: Path, invoke: Invoke) -> None:
    (source / "inner").mkdir()
    assert "registered twice" in str(invoke("migrate", str(source / "inner"), str(source)).exception)
    assert invoke("migrate", str(source), str(source)).exit_code == 0


def test_run_pending_is_not_for_days(home: Path, invoke: Invoke) -> None:
    assert invoke("run", "--pending", "--day", "2026-10-01").exit_code == 2
