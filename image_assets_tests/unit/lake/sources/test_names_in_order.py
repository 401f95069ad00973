"""However many names a folder has, they come in the order in which whole paths are sorted."""

import os
from pathlib import Path

import pytest

from image_assets.lake.sources.names_in_order import names_in_order


@pytest.mark.parametrize("run", [1, 3, 7, 100])
def test_names_are_in_order_whether_they_fit_into_one_run_or_not(tmp_path: Path, run: int) -> None:
    names = [b"b", b"a\nb", b"\xff\xfe", b"a", "ä".encode(), b"a b", b"z" * 250]
    for name in names:
        (tmp_path / os.fsdecode(name)).touch()
    assert list(names_in_order(os.fsencode(tmp_path), run)) == sorted(names)


def test_a_folder_comes_where_its_files_come(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("a-1", "a.jpg", "a0"):
        (tmp_path / name).touch()
    assert list(names_in_order(os.fsencode(tmp_path))) == [b"a-1", b"a.jpg", b"a/", b"a0"]


def test_a_link_to_a_folder_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    assert list(names_in_order(os.fsencode(tmp_path))) == [b"loop"]


def test_no_temporary_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "source").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    for number in range(10):
        (tmp_path / "source" / str(number)).touch()
    names = names_in_order(os.fsencode(tmp_path / "source"), 3)
    next(names)
    names.close()
    assert list((tmp_path / "scratch").iterdir()) == []
