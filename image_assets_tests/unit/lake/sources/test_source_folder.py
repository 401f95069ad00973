"""A folder as a source: whatever is in it is an entry, and nothing in it stops the walk."""

import os
import socket
from pathlib import Path

import pytest

from image_assets.errors import ObjectForbiddenError, ObjectNotFoundError, StoreUnavailableError
from image_assets.lake.sources.folder import SourceFolder

is_root = os.geteuid() == 0


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


def kinds(folder: Path, after: bytes = b"") -> dict[bytes, str]:
    return {found.path: found.kind for found in SourceFolder(folder).entries(after)}


def test_every_kind_of_entry_is_told(source: Path) -> None:
    (source / "file.jpg").write_bytes(b"x")
    (source / "link").symlink_to("file.jpg")
    (source / "up").symlink_to("..")
    os.mkfifo(source / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(source / "socket"))
        found = kinds(source)
    assert found == {b"file.jpg": "file", b"link": "link", b"up": "link", b"pipe": "pipe", b"socket": "socket"}


def test_entries_come_in_the_order_of_their_paths(source: Path) -> None:
    for name in ("b/2", "a/z", "a-1", "a/b/c", "a.jpg", "b/10", "\udcff/\n", "a/b-c"):
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    paths = list(kinds(source))
    assert paths == sorted(paths)
    assert len(paths) == 8


def test_a_walk_goes_on_behind_any_path(source: Path) -> None:
    for name in ("a/b/c", "a/b-c", "a.jpg", "b/2", "b/10", "c"):
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    paths = list(kinds(source))
    for number, path in enumerate(paths):
        assert list(kinds(source, path)) == paths[number + 1 :]


def test_a_path_that_is_gone_is_as_good_to_go_on_behind(source: Path) -> None:
    for name in ("a", "c/d"):
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).touch()
    assert list(kinds(source, b"b/gone")) == [b"c/d"]


@pytest.mark.skipif(is_root, reason="whoever may do everything may enter every folder")
def test_a_folder_that_may_not_be_entered_is_an_entry(source: Path) -> None:
    (source / "shut").mkdir(mode=0)
    (source / "z").touch()
    found = list(SourceFolder(source).entries())
    (source / "shut").chmod(0o700)
    assert [(each.path, each.kind) for each in found] == [(b"shut/", "unreadable"), (b"z", "file")]
    assert list(kinds(source, b"shut/")) == [b"z"]


def test_a_folder_whose_path_is_too_long_is_an_entry(source: Path) -> None:
    here = os.open(source, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=here)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    (source / "z").touch()
    *_, deep, last = SourceFolder(source).entries()
    assert (deep.kind, deep.detail, last.path) == ("unreadable", "File name too long", b"z")


def test_folders_may_be_deeper_than_calls_may_be(source: Path) -> None:
    folders = [source]
    for _ in range(1_200):
        folders.append(folders[-1] / "d")
        folders[-1].mkdir()
    assert list(kinds(source)) == []
    # Who tidies up after the test calls itself for each.
    for folder in reversed(folders):
        folder.rmdir()


def test_a_time_that_no_calendar_has_is_none(source: Path) -> None:
    (source / "odd").touch()
    os.utime(source / "odd", (2**40, 2**40))
    (found,) = SourceFolder(source).entries()
    assert found.modified_at is None or found.modified_at.year > 2100


def test_a_version_is_that_of_the_bytes_wherever_the_folder_is(source: Path, tmp_path: Path) -> None:
    (source / "a").write_bytes(b"1234")
    os.utime(source / "a", (1_000, 1_000))
    before = SourceFolder(source).version("a")
    source.rename(tmp_path / "elsewhere")
    place = SourceFolder(tmp_path / "elsewhere")
    assert place.version("a") == before == next(place.entries()).version
    os.utime(tmp_path / "elsewhere" / "a", (1_001, 1_001))
    assert place.version("a") != before


def test_a_folder_without_any_of_the_signs_is_another_one(source: Path, tmp_path: Path) -> None:
    (source / "ä\n").touch()
    signs = SourceFolder(source).signs()
    (tmp_path / "copy").mkdir()
    copy = SourceFolder(tmp_path / "copy")
    with pytest.raises(StoreUnavailableError, match="mount it"):
        copy.check(signs)
    (tmp_path / "copy" / "ä\n").touch()
    copy.check(signs)


def test_a_folder_that_was_emptied_is_still_the_same(source: Path) -> None:
    (source / "a").touch()
    signs = SourceFolder(source).signs()
    (source / "a").unlink()
    SourceFolder(source).check(signs)


def test_a_mount_point_without_its_mount_is_not_the_source(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="is not there"):
        SourceFolder(tmp_path / "nowhere").check(())


def test_links_and_files_that_are_gone_are_not_read(source: Path) -> None:
    (source / "secret").write_bytes(b"s")
    (source / "link").symlink_to("secret")
    place = SourceFolder(source)
    assert place.version("link") is None
    with pytest.raises(ObjectForbiddenError):
        place.read("link")
    with pytest.raises(ObjectNotFoundError):
        place.read("gone")
    assert (place.read("secret"), place.read_start("secret", 1)) == (b"s", b"s")
