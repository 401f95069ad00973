"""What a scan notes of each entry: by its content, once, and nothing is ever left out."""

import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from image_assets.errors import ConfigurationError
from image_assets.lake.sources.record import read_sources
from image_assets.steps.migration.listed import read_listed
from image_assets.tables.migration import SOURCE_ENTRIES

if TYPE_CHECKING:
    from conftest import Moving

DAY = date(2026, 10, 1)


def test_an_entry_is_what_its_content_is(moving: "Moving") -> None:
    moving.put("photo.txt")
    moving.put("no-photo.jpg", b"words")
    moving.put("empty.jpg", b"")
    moving.put("page.jpg", b"%PDF-1.7")
    moving.put("photo.txt.json", b'{"label": "dress"}')
    moving.put("alone.json", b"{}")
    moving.put(".DS_Store", b"x")
    (moving.source / "link.jpg").symlink_to("photo.txt")
    tally = moving.migrate()
    assert moving.kinds() == {
        ".DS_Store": "litter",
        "alone.json": "not_an_image",
        "empty.jpg": "empty",
        "link.jpg": "link",
        "no-photo.jpg": "not_an_image",
        "page.jpg": "unsupported_format",
        "photo.txt": "image",
        "photo.txt.json": "sidecar",
    }
    assert (tally.entries, tally.registered) == (8, 1)


def test_what_is_no_upload_says_why(moving: "Moving") -> None:
    moving.put("page.jpg", b"%PDF-1.7")
    os.mkfifo(moving.source / "pipe")
    moving.migrate()
    assert [row["detail"].partition(";")[0] for row in moving.entries()] == ["PDF is not read", "a pipe"]


def test_a_photo_has_its_day_and_its_true_instant(moving: "Moving") -> None:
    moving.put("a.jpg", at=datetime(2026, 9, 3, 4, 5, 6, tzinfo=UTC))
    moving.put("old.jpg", at=datetime(1999, 9, 3, tzinfo=UTC))
    moving.migrate()
    assert [(row["day"], row["uploaded_at"].year) for row in moving.entries()] == [
        (date(2026, 9, 3), 2026),
        (moving.first, 1999),
    ]


def test_a_day_takes_so_many_and_the_next_ones_the_others(moving: "Moving") -> None:
    for number in range(5):
        moving.put(f"{number}.jpg", at=datetime(2026, 9, 3, tzinfo=UTC))
    moving.migrate(most=2)
    assert [row["day"].day for row in moving.entries()] == [3, 3, 4, 4, 5]
    assert {row["uploaded_at"].day for row in moving.entries()} == {3}


def test_what_another_source_has_put_into_a_day_counts(moving: "Moving", tmp_path: Path) -> None:
    moving.put("a.jpg")
    moving.migrate(most=1)
    moving.source = tmp_path / "other"
    moving.put("b.jpg")
    moving.migrate(most=1)
    assert sorted(row["day"].day for row in moving.entries()) == [1, 2]


def test_files_that_do_not_fit_before_today_are_an_error_before_any_day_is_told(moving: "Moving") -> None:
    for number in range(3):
        moving.put(f"{number}.jpg", at=moving.now)
    with pytest.raises(ConfigurationError, match="choose earlier days"):
        moving.migrate(most=2)
    assert moving.manifests() == []


def test_the_list_tells_of_single_files(moving: "Moving", tmp_path: Path) -> None:
    moving.put("a/1.jpg")
    moving.put("a/2.jpg")
    (tmp_path / "list.csv").write_text("file,user_id,label,uploaded_at\na/1.jpg,7,dress,2026-09-04\n")
    with read_listed(tmp_path / "list.csv") as listed:
        moving.migrate(listed)
    told = [(row["user_id"], row["label"], row["day"].day, row["dated_by"]) for row in moving.entries()]
    assert told == [("7", "dress", 4, "listed"), ("ann", None, 1, "mtime")]


def test_done_again_only_what_is_new_or_has_changed_is_noted(moving: "Moving", paint: Callable[..., bytes]) -> None:
    for name in ("a.jpg", "b.jpg", "c.txt"):
        moving.put(name, b"words" if name == "c.txt" else None)
    moving.migrate()
    assert moving.migrate().unchanged == 3
    moving.put("a.jpg", paint("blue"), at=datetime(2026, 9, 9, tzinfo=UTC))
    moving.put("aa.jpg")
    moving.put("c.txt", moving.photo)
    (moving.source / "b.jpg").unlink()
    tally = moving.migrate()
    again = [row for row in moving.entries() if row["scan"] == 2]
    assert [(row["path"], row["day"].day) for row in again] == [("a.jpg", 1), ("aa.jpg", 1), ("c.txt", 1)]
    assert (tally.entries, tally.unchanged) == (3, 0)


def test_a_changed_photo_stays_in_its_day_under_its_name(moving: "Moving", paint: Callable[..., bytes]) -> None:
    moving.put("a.jpg")
    moving.migrate()
    moving.put("a.jpg", paint("blue"), at=datetime(2026, 9, 9, tzinfo=UTC))
    moving.migrate(user="bob")
    before, after = moving.entries()
    assert (before["source_uri"], before["user_id"]) == (after["source_uri"], after["user_id"])
    assert before["version"] != after["version"]


def test_a_sidecar_that_comes_later_is_a_change(moving: "Moving") -> None:
    moving.put("a.jpg")
    moving.migrate()
    moving.put("a.jpg.json", b'{"label": "dress"}')
    moving.migrate()
    assert [(row["path"], row["sidecar_version"] is not None) for row in moving.entries()] == [
        ("a.jpg", False),
        ("a.jpg", True),
        ("a.jpg.json", False),
    ]


def test_half_a_scan_goes_on_as_it_was_told(moving: "Moving") -> None:
    for number in range(3):
        moving.put(f"{number}.jpg", at=moving.now)
    with pytest.raises(ConfigurationError):
        moving.migrate(most=1)
    with pytest.raises(ConfigurationError, match="has not ended, and was told dated_by mtime"):
        moving.migrate(most=9)
    (source,) = read_sources(moving.tables.store).values()
    assert source.state == "scanning"


def test_the_ledger_obeys_its_schema(moving: "Moving") -> None:
    moving.put("a.jpg")
    moving.put("b.txt", b"words")
    moving.migrate()
    for key in moving.tables.files(SOURCE_ENTRIES.name):
        moving.tables.read_file(key, SOURCE_ENTRIES, None)
