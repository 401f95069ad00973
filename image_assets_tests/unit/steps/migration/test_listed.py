"""What a CSV tells of single files."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from image_assets.errors import ConfigurationError
from image_assets.steps.migration.listed import Told, read_listed


def listed(folder: Path, text: str) -> Path:
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_line_tells_of_the_file_with_its_path(tmp_path: Path) -> None:
    text = "file,user_id,label,uploaded_at\na/b.jpg,7,  Red  Dress ,2026-03-04T05:06:07+02:00\nc.jpg,,,\n"
    with read_listed(listed(tmp_path, text)) as found:
        assert found.told(b"a/b.jpg") == Told("7", "red dress", datetime(2026, 3, 4, 3, 6, 7, tzinfo=UTC))
        assert found.told(b"c.jpg") == Told()
        assert found.told(b"b.jpg") is None
        assert (found.lines, found.used) == (2, 2)


@pytest.mark.parametrize("written", ["a\\bär.jpg", "a/ba\u0308r.jpg", "a/bär.jpg"])
def test_a_path_is_found_however_it_is_written(tmp_path: Path, written: str) -> None:
    with read_listed(listed(tmp_path, f"file,user_id\n{written},7\n")) as found:
        assert found.told("a/bär.jpg".encode()) == found.told("a/ba\u0308r.jpg".encode()) == Told("7")


def test_a_path_that_is_no_text_is_looked_up_too(tmp_path: Path) -> None:
    with read_listed(listed(tmp_path, "file\na\n")) as found:
        assert found.told(b"\xff\n") is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name\na.jpg\n", "no column named file"),
        ("file,label\n,x\n", "line 2 .* no value in the column file"),
        ("file,label\na,\u200b\n", "line 2 .* nothing that can be seen"),
        ("file,uploaded_at\na,yesterday\n", "line 2 .* uploaded_at of a"),
        ("file\na\nb\na\n", "line 4 .* a is named before"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem), read_listed(listed(tmp_path, text)):
        pass


def test_a_list_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"file\n\xff\n")
    with pytest.raises(ConfigurationError, match="no CSV in UTF-8"), read_listed(tmp_path / "list.csv"):
        pass
