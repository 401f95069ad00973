"""`image-assets config`, and what `settings` and `doctor` say of it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result

from image_assets.cli.examinations import examine_configuration
from image_assets.configuration import change_configuration
from image_assets.errors import ChangeRefusedError, ConfigurationError
from image_assets.opening import open_objects
from image_assets.settings import load_settings

NOW = datetime(2026, 3, 16, tzinfo=UTC)
Invoke = Callable[..., Result]


def test_a_setting_is_set_seen_and_taken_back(home: Path, invoke: Invoke) -> None:
    assert "version 1: IMAGE_ASSETS_MAX_DRIFT 0.5" in invoke("config", "set", "max_drift", "0.5", "--by", "ann").output
    line = next(line for line in invoke("settings").output.splitlines() if "IMAGE_ASSETS_MAX_DRIFT" in line)
    assert "0.5" in line
    assert "lake, version 1 by ann" in line
    invoke("config", "unset", "IMAGE_ASSETS_MAX_DRIFT")
    line = next(line for line in invoke("settings").output.splitlines() if "IMAGE_ASSETS_MAX_DRIFT" in line)
    assert "default" in line


def test_the_history_says_who_what_and_why(home: Path, invoke: Invoke) -> None:
    invoke("config", "set", "duplicate_similarity", "-0.5", "--by", "ann", "--note", "spring sale")
    (line,) = [line for line in invoke("config", "history").output.splitlines() if "ann" in line]
    assert "IMAGE_ASSETS_DUPLICATE_SIMILARITY -0.5" in line
    assert "spring sale" in line


def test_a_wrong_value_is_refused(home: Path, invoke: Invoke) -> None:
    refused = invoke("config", "set", "review_threshold", "7")
    assert isinstance(refused.exception, ChangeRefusedError)


def test_doctor_names_a_damaged_version_be_it_an_old_one(home: Path) -> None:
    settings = load_settings()
    for value in (1.5, 2.5):
        change_configuration(open_objects(settings), {"max_volume": value}, "ann", NOW)
    assert "version 2" in examine_configuration(settings)
    (settings.root / "configuration" / "00000001.json").write_bytes(b"")
    with pytest.raises(ConfigurationError, match=r"00000001\.json is damaged"):
        examine_configuration(settings)


def test_a_plan_sees_what_was_set(full_home: Path, damaged_home: Path, invoke: Invoke) -> None:
    invoke("config", "set", "watermark_text", "another")
    (line,) = [line for line in invoke("plan").output.splitlines() if "watermarked_previews" in line and "│  " in line]
    assert [cell.strip() for cell in line.split("│")][2:4] == ["0", "3"]
