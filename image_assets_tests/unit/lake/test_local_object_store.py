"""What the local folder adds to the contract of every object store: a real file system with all its surprises."""

import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from image_assets.errors import (
    ObjectForbiddenError,
    ObjectNotFoundError,
    StorageError,
    StoreFullError,
    StoreUnavailableError,
)
from image_assets.ids import ObjectKey
from image_assets.lake.lake_mark import LakeGuard
from image_assets.lake.local_object_store import LOCKS, STAGING, LocalObjectStore, LocalStagedObject
from image_assets.lake.object_store import ObjectInfo

KEY = ObjectKey("landing/2026-10-01/anna/a.jpg")


@pytest.fixture
def path(store: LocalObjectStore) -> Path:
    """Where the object `KEY` belongs; its folder is there."""
    path = store.root / KEY
    path.parent.mkdir(parents=True)
    return path


def listed(store: LocalObjectStore) -> dict[str, ObjectInfo]:
    return {info.key: info for info in store.list("landing")}


def pass_a_tick(folder: Path) -> None:
    """Return when the file system's clock has moved on, so that two changes cannot share an instant."""
    probe = folder / "probe"
    probe.touch()
    first = probe.stat().st_ctime_ns
    while probe.stat().st_ctime_ns == first:
        probe.touch()


def test_a_pipe_is_forbidden_and_not_waited_for(store: LocalObjectStore, path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(ObjectForbiddenError, match="not a regular file"):
        store.read(KEY)


def test_a_socket_is_forbidden(store: LocalObjectStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)  # The full path may be too long for a socket's address.
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)
    with pytest.raises(ObjectForbiddenError):
        store.read(KEY)


def test_a_folder_is_forbidden(store: LocalObjectStore, path: Path) -> None:
    path.mkdir()
    with pytest.raises(ObjectForbiddenError):
        store.read(KEY)


def test_a_refused_read_leaves_no_file_open(store: LocalObjectStore, path: Path) -> None:
    path.mkdir()
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(10):
        with pytest.raises(ObjectForbiddenError):
            store.read(KEY)
    assert len(list(Path("/dev/fd").iterdir())) == before


@pytest.mark.parametrize("target", ["a.jpg", "nowhere", "../anna", "/dev/null"])
def test_a_link_is_forbidden_wherever_it_points(store: LocalObjectStore, path: Path, target: str) -> None:
    path.symlink_to(target)
    with pytest.raises(ObjectForbiddenError, match=r"a\.jpg.* symbolic link"):
        store.read(KEY)


def test_writing_where_a_link_is_replaces_the_link(store: LocalObjectStore, path: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"other")
    path.symlink_to(tmp_path / "other")
    store.write(KEY, b"bytes")
    assert (store.read(KEY), (tmp_path / "other").read_bytes()) == (b"bytes", b"other")


def test_deleting_a_link_leaves_what_it_points_to(store: LocalObjectStore, path: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"other")
    path.symlink_to(tmp_path / "other")
    store.delete(KEY)
    assert (path.is_symlink(), (tmp_path / "other").read_bytes()) == (False, b"other")


def test_a_linked_folder_deep_in_the_lake_is_an_error_and_not_an_empty_folder(
    store: LocalObjectStore, path: Path, tmp_path: Path
) -> None:
    path.parent.rmdir()
    path.parent.symlink_to(tmp_path)
    with pytest.raises(StorageError, match="symbolic link"):
        list(store.list("landing/2026-10-01/anna/deeper"))
    with pytest.raises(StorageError, match="symbolic link"):
        store.exists(KEY)


def test_walking_and_reading_leave_no_folder_open(store: LocalObjectStore, path: Path) -> None:
    path.write_bytes(b"bytes")
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(10):
        next(store.list("landing"))
        store.read(KEY)
        store.write(KEY, b"bytes")
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_a_file_without_permission_is_forbidden(store: LocalObjectStore, path: Path) -> None:
    path.write_bytes(b"secret")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("permission bits do not bind this user")
    with pytest.raises(ObjectForbiddenError):
        store.read(KEY)


def test_pipes_and_broken_links_are_listed_so_that_they_can_be_rejected(store: LocalObjectStore, path: Path) -> None:
    os.mkfifo(path)
    path.with_name("broken").symlink_to("nowhere")
    assert {Path(key).name for key in listed(store)} == {"a.jpg", "broken"}


def test_a_linked_folder_is_listed_as_one_entry_and_not_followed(store: LocalObjectStore, path: Path) -> None:
    path.symlink_to(store.root, target_is_directory=True)
    assert list(listed(store)) == [KEY]


ODD_NAMES = [
    b"new\nline.jpg",
    "\N{DRESS}\N{ZERO WIDTH JOINER}\N{HIGH-HEELED SHOE}.jpg".encode(),
    b"\xff\xfe not utf-8 \x80.jpg",
    b"n" * 255,
    b"*?[a-z]{1,2}.jpg",
    b"back\\slash 'quote\" $HOME ~ %41 #x?y=z&.jpg",
    b" ",
    b"-rf",
]


@pytest.mark.parametrize("name", ODD_NAMES, ids=lambda name: ascii(name)[:20])
def test_a_file_of_any_name_is_listed_and_read(store: LocalObjectStore, path: Path, name: bytes) -> None:
    path.with_name(os.fsdecode(name)).write_bytes(b"bytes")
    (key,) = listed(store)
    assert os.fsencode(key).endswith(b"/" + name)
    assert store.read(ObjectKey(key)) == b"bytes"


def test_the_version_changes_when_a_tool_restores_size_and_time(store: LocalObjectStore, path: Path) -> None:
    path.write_bytes(b"before")
    before, status = listed(store)[KEY], path.stat()
    pass_a_tick(store.root)
    path.write_bytes(b"after!")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    after = listed(store)[KEY]
    assert (after.size_bytes, after.modified_at) == (before.size_bytes, before.modified_at)
    assert after.version != before.version


def test_a_file_that_was_copied_with_its_time_arrived_when_it_came(store: LocalObjectStore, path: Path) -> None:
    path.write_bytes(b"bytes")
    os.utime(path, (1, 1))
    info = listed(store)[KEY]
    assert info.modified_at == datetime.fromtimestamp(1, UTC)
    assert abs(info.arrived_at - datetime.now(UTC)) < timedelta(hours=1)


def test_a_new_object_obeys_the_umask(store: LocalObjectStore) -> None:
    former = os.umask(0o027)
    try:
        store.write(KEY, b"bytes")
    finally:
        os.umask(former)
    assert stat.S_IMODE((store.root / KEY).stat().st_mode) == 0o640


def fill(store: LocalObjectStore, error: BaseException | None = None) -> None:
    with store.writing(KEY) as filled:
        filled.write_bytes(b"bytes")
        if error:
            raise error


def test_nothing_stays_in_the_staging_folder(store: LocalObjectStore) -> None:
    store.write(KEY, b"bytes")
    fill(store)
    for error in (ZeroDivisionError(), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            fill(store, error)
    assert list((store.root / ".staging").iterdir()) == []


def test_an_unfinished_file_lies_on_the_disk_of_the_lake(store: LocalObjectStore) -> None:
    # A rename is atomic only within one file system.
    with store.writing(KEY) as filled:
        assert filled.is_relative_to(store.root)
        filled.touch()


def test_files_beside_an_unfinished_one_are_dropped_with_it_and_disturb_no_other(store: LocalObjectStore) -> None:
    other = ObjectKey(f"{KEY}.other")
    with store.writing(KEY) as first, store.writing(other) as second:
        for filled in (first, second):
            filled.write_bytes(b"whole")
            filled.with_name("part").write_bytes(filled.parent.name.encode())
        assert first.with_name("part").read_bytes() != second.with_name("part").read_bytes()
    assert set(listed(store)) == {KEY, other}
    assert list((store.root / ".staging").iterdir()) == []


def test_reading_and_listing_make_no_folder(store: LocalObjectStore) -> None:
    store.exists(KEY)
    list(store.list("landing"))
    with pytest.raises(ObjectNotFoundError):
        store.read(KEY)
    assert not store.root.exists()


@pytest.mark.parametrize("root", ["/sys/kernel/lake", "/proc/lake", "/dev/null/lake"])
def test_a_root_where_no_folder_can_be_is_named_with_its_setting(root: str) -> None:
    if not Path(root).parent.exists():
        pytest.skip("this system has no such place")
    with pytest.raises(StorageError, match=rf"{root}.*IMAGE_ASSETS_ROOT"):
        LocalObjectStore(Path(root)).write(KEY, b"bytes")


def test_a_root_that_is_a_file_is_named_with_its_setting(tmp_path: Path) -> None:
    root = tmp_path / "lake"
    root.write_bytes(b"not a folder")
    with pytest.raises(StorageError, match=rf"{root}.*IMAGE_ASSETS_ROOT"):
        LocalObjectStore(root).write(KEY, b"bytes")
    assert root.read_bytes() == b"not a folder"


def test_a_full_disk_is_worth_a_retry_and_says_what_to_do(tiny_disk: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="free some space"):
        LocalObjectStore(tiny_disk).write(KEY, bytes(2 * 2**20))


def test_a_full_disk_keeps_the_former_object_and_no_part_of_the_new(tiny_disk: Path) -> None:
    store = LocalObjectStore(tiny_disk)
    store.write(KEY, b"former")
    with pytest.raises(StoreUnavailableError):
        store.write(KEY, bytes(2 * 2**20))
    assert store.read(KEY) == b"former"
    assert list((tiny_disk / ".staging").iterdir()) == []


def test_there_is_room_again_after_a_full_disk(tiny_disk: Path) -> None:
    store = LocalObjectStore(tiny_disk)
    with pytest.raises(StoreUnavailableError):
        store.write(KEY, bytes(2 * 2**20))
    store.write(KEY, bytes(2**19))
    assert len(store.read(KEY)) == 2**19


def test_a_store_may_be_sent_to_a_worker(store: LocalObjectStore) -> None:
    import pickle

    assert pickle.loads(pickle.dumps(store)) == store


@contextmanager
def another_process(store: LocalObjectStore) -> Iterator[None]:
    """One that claims a name and stages an object, and is killed."""
    script = (
        "import sys, pathlib; from image_assets.lake.local_object_store import LocalObjectStore;"
        "store = LocalObjectStore(pathlib.Path(sys.argv[1]));"
        "claim, staging = store.claiming('a name'), store.staging();"
        "staging.__enter__().write(b'half'); print(claim.__enter__(), flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(store.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        yield
        other.kill()


def test_a_claim_ends_with_its_process_however_it_ends(store: LocalObjectStore) -> None:
    with another_process(store), store.claiming("a name") as is_mine:
        assert not is_mine
    with store.claiming("a name") as is_mine:
        assert is_mine


def test_what_is_swept_was_left_by_the_dead_and_not_what_the_living_are_at(store: LocalObjectStore) -> None:
    def left() -> list[str]:
        return [
            path.suffix for folder in (STAGING, LOCKS) for path in (store.root / folder).rglob("*") if path.is_file()
        ]

    with another_process(store), store.writing(KEY) as filled:
        filled.write_bytes(b"by hand")
        assert (store.sweep(), len(left())) == (0, 4)
    assert (len(left()), store.sweep(), left()) == (2, 2, [])


def test_what_nobody_locks_is_swept_once_it_is_old(store: LocalObjectStore) -> None:
    for name, age_s in (("old", 3600), ("young", 0)):
        store.write(ObjectKey(f"{STAGING}/{name}"), b"{}")
        os.utime(store.root / STAGING / name, (time.time() - age_s,) * 2)
    assert (store.sweep(), [info.key for info in store.list(STAGING)]) == (1, [f"{STAGING}/young"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_as_such_while_an_object_is_staged(store: LocalObjectStore) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        staged = LocalStagedObject(store, store.root / "staged", full)
        with pytest.raises(StoreFullError, match="free some space"):
            staged.write(b"bytes")


def test_a_storage_that_goes_amid_a_write_is_worth_a_retry(tmp_path: Path) -> None:
    store = LocalObjectStore(tmp_path / "lake")
    with store.staging() as staged:
        staged.write(b"1")
        store.root.rename(tmp_path / "away")
        store.root.mkdir()
        with pytest.raises(StoreUnavailableError, match="it is gone: bring it back"):
            staged.land(ObjectKey("landing/a"))
    assert not [path for path in store.root.rglob("*") if path.is_file()]


@pytest.fixture
def guarded(tmp_path: Path) -> LocalObjectStore:
    """A lake with an object that has just gone away, an empty folder in its place."""
    guard = LakeGuard()
    store = LocalObjectStore(tmp_path / "lake", check=guard.check)
    store.write(KEY, b"1")
    guard.begin(store)
    store.root.rename(tmp_path / "away")
    store.root.mkdir()
    return store


@pytest.mark.parametrize(
    "ask",
    [
        lambda store: store.read(KEY),
        lambda store: store.read_start(KEY, 1),
        lambda store: store.fetch(KEY, store.root.with_name("copy")),
        lambda store: list(store.list("landing")),
        lambda store: store.write(KEY, b"2"),
    ],
)
def test_what_is_missed_in_a_lake_that_is_away_has_not_gone(
    guarded: LocalObjectStore, ask: Callable[[LocalObjectStore], object]
) -> None:
    with pytest.raises(StoreUnavailableError, match="bring back the storage"):
        ask(guarded)
    assert list(guarded.root.iterdir()) == []


def test_of_a_small_file_there_is_a_copy_and_a_large_one_or_one_of_many_is_read_in_place(
    store: LocalObjectStore,
) -> None:
    keys = [ObjectKey(f"tables/a/{number}.parquet") for number in range(33)]
    for key in keys:
        store.write(key, b"small")
    store.write(keys[1], bytes(2**18 + 1))
    assert list(store.copies(keys[:2])) == keys[:1]
    assert store.copies(keys) == {}


def test_what_is_no_regular_file_has_no_copy(store: LocalObjectStore) -> None:
    key = ObjectKey("tables/a/link.parquet")
    store.write(ObjectKey("tables/a/file.parquet"), b"bytes")
    (store.root / key).symlink_to("file.parquet")
    with pytest.raises(ObjectNotFoundError):
        store.copies([key])


def test_what_was_staged_while_the_lake_went_away_gets_no_name(tmp_path: Path) -> None:
    looks = iter([None, StoreUnavailableError("it went away", key=KEY)])

    def check() -> None:
        if error := next(looks):
            raise error

    with pytest.raises(StoreUnavailableError, match="it went away"):
        LocalObjectStore(tmp_path, check=check).write(KEY, b"1")
    assert not any(file.is_file() for file in tmp_path.rglob("*"))
