"""Folders of a lake that an operator placed elsewhere, by links and mounts: one that is away takes the lake with it."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from image_assets.errors import StorageError
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets_tests.serving.conftest import drawn_photo
from image_assets_tests.serving.test_hard_times import JPEG, until

if TYPE_CHECKING:
    import httpx

    from image_assets_tests.serving.conftest import Lake, Served


def upload(served: "Served", number: int) -> "httpx.Response":
    return served.ask("/v1/images", "anna", "POST", content=drawn_photo("navy", number), headers=JPEG)


def placed_by_link(lake: "Lake", folder: str, at: Path) -> Path:
    """Move a folder of a lake somewhere else, and leave a link to it."""
    shutil.move(lake.root / folder, at)
    (lake.root / folder).symlink_to(at)
    return at


@contextmanager
def mounted(at: Path) -> Iterator[None]:
    """A file system of its own in a folder."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", at], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        unmount(at)


def unmount(at: Path) -> None:
    subprocess.run(["umount", "-l", at], check=True, capture_output=True)


def files(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("folder", ["landing", "tables"])
@pytest.mark.parametrize("is_empty_folder", [True, False])
def test_a_folder_behind_a_link_that_goes_away_is_a_lake_that_went_away(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], folder: str, is_empty_folder: bool
) -> None:
    target = placed_by_link(own_lake, folder, own_lake.folder / "elsewhere")
    served, image_id = serve_lake(own_lake), own_lake.ids_of("anna")[0]
    assert upload(served, 1).status_code == 202
    target.rename(target.with_name("away"))
    if is_empty_folder:
        target.mkdir()
    assert upload(served, 2).status_code == 503
    assert until(lambda: served.ask(f"/v1/images/{image_id}", "read").status_code == 503)
    assert until(lambda: served.ask("/ready").json()["parts"]["storage"]["state"] == "failed")
    assert not is_empty_folder or not [*target.iterdir()]
    shutil.rmtree(target, ignore_errors=True)
    target.with_name("away").rename(target)
    assert until(lambda: served.ask(f"/v1/images/{image_id}", "read").status_code == 200)
    assert upload(served, 2).status_code == 202


def test_a_service_starts_where_a_placed_folder_is_its_own_or_taken_by_hand(
    own_lake: "Lake", serve_lake: Callable[..., "Served"]
) -> None:
    target = placed_by_link(own_lake, "landing", own_lake.folder / "elsewhere")
    serve_lake(own_lake)
    shutil.rmtree(target)
    target.mkdir()
    refused = own_lake.command("serve", "--port", "0")
    assert refused.returncode == 1
    assert f"no lake at {own_lake.root / 'landing'}" in refused.stderr.replace("\n", "")
    assert upload(serve_lake(own_lake, "--create"), 1).status_code == 202


def test_what_is_placed_on_another_file_system_takes_uploads_and_is_missed(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], tmp_path: Path
) -> None:
    landing = own_lake.root / "landing"
    landing.rename(tmp_path / "landing")
    landing.mkdir()
    with mounted(landing):
        shutil.copytree(tmp_path / "landing", landing, dirs_exist_ok=True)
        served = serve_lake(own_lake)
        told = upload(served, 1)
        assert told.status_code == 202, told.text
        assert served.ask(told.json()[0]["status_url"], "anna").json()["state"] == "pending"
        assert not files(own_lake.root / ".staging")
        assert not files(landing / ".lake" / "staged")
        with ExitStack() as stack:
            stack.callback(lambda: subprocess.run(["mount", "--bind", tmp_path / "kept", landing], check=True))
            (tmp_path / "kept").mkdir()
            subprocess.run(["mount", "--bind", landing, tmp_path / "kept"], check=True)
            unmount(landing)
            assert upload(served, 2).status_code == 503
            assert not files(landing)
        assert until(lambda: served.ask(told.json()[0]["status_url"], "anna").status_code == 200)
        assert upload(served, 2).status_code == 202
        unmount(tmp_path / "kept")


def remount(at: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", at], check=True, capture_output=True)


def test_a_placed_folder_that_takes_no_change_is_a_service_that_is_not_ready(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], tmp_path: Path
) -> None:
    landing = own_lake.root / "landing"
    landing.rename(tmp_path / "landing")
    landing.mkdir()
    with mounted(landing):
        shutil.copytree(tmp_path / "landing", landing, dirs_exist_ok=True)
        served, image_id = serve_lake(own_lake), own_lake.ids_of("anna")[0]
        remount(landing, "ro")
        assert until(lambda: served.ask("/ready").json()["parts"]["storage"]["state"] == "failed")
        begun = served.ask(f"/v1/images/{image_id}?reason=ticket", "admin", "DELETE")
        assert (begun.status_code, "has begun" in begun.json()["detail"]) == (503, True)
        listed = served.ask("/v1/images?page_size=100", "read").json()["items"]
        assert image_id not in [each["image_id"] for each in listed]
        remount(landing, "rw")
        assert until(lambda: served.ask("/ready").json()["parts"]["storage"]["state"] == "ok")
        assert served.ask(f"/v1/images/{image_id}?reason=ticket", "admin", "DELETE").json()["erased_at"]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system than the test's."""
    if not os.access("/dev/shm", os.W_OK) or Path("/dev/shm").stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system in /dev/shm")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def test_a_store_writes_by_every_way_into_a_folder_on_another_file_system(tmp_path: Path, elsewhere: Path) -> None:
    store = LocalObjectStore(tmp_path / "lake")
    store.root.mkdir()
    (store.root / "bronze").symlink_to(elsewhere)
    store.write("bronze/a/written", b"1")
    with store.writing("bronze/a/filled") as path:
        path.write_bytes(b"2")
    with store.staging() as staged:
        staged.write(b"3")
        staged.land("bronze/a/landed")
    store.copy("bronze/a/landed", "bronze/b/copied")
    found = {info.key: store.read(info.key) for info in store.list("bronze")}
    assert found == {
        "bronze/a/filled": b"2",
        "bronze/a/landed": b"3",
        "bronze/a/written": b"1",
        "bronze/b/copied": b"3",
    }
    assert not files(store.root / ".staging")


def test_a_copy_that_was_killed_on_the_other_file_system_is_not_seen_and_swept(tmp_path: Path, elsewhere: Path) -> None:
    store = LocalObjectStore(tmp_path / "lake", check=lambda: None)
    store.root.mkdir()
    (store.root / "bronze").symlink_to(elsewhere)
    part = elsewhere / ".lake" / "staged" / "part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"half")
    assert [*store.list("bronze")] == []
    assert store.sweep() == 0, "it may be under way"
    assert part.exists()
    assert time.time() - part.stat().st_ctime < 600


def test_no_link_that_somebody_puts_into_a_placed_folder_is_written_through(tmp_path: Path, elsewhere: Path) -> None:
    store, others = LocalObjectStore(tmp_path / "lake"), tmp_path / "others"
    store.root.mkdir()
    others.mkdir()
    (store.root / "landing").symlink_to(elsewhere)
    (elsewhere / ".lake").symlink_to(others)
    with pytest.raises(StorageError, match="symbolic link"):
        store.write("landing/a", b"1")
    with pytest.raises(StorageError, match="symbolic link"):
        store.sweep()
    assert not [*others.rglob("*")]
