"""A prefix in a cloud as a source."""

import itertools
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from image_assets.errors import ObjectNotFoundError, StorageError, StoreUnavailableError
from image_assets.ids import ObjectKey
from image_assets.lake.remote.address import RemoteRoot
from image_assets.lake.remote.remote_object_store import RemoteObjectStore
from image_assets.lake.sources.prefix import SourcePrefix, entries_of
from image_assets_tests.servers.clouds import Cloud, put_as_it_is, use

_number = itertools.count()


@pytest.fixture(params=["azurite", "s3_server"])
def cloud(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    cloud: Cloud = request.getfixturevalue(request.param)
    use(cloud, monkeypatch)
    return cloud


@pytest.fixture
def root() -> RemoteRoot:
    return RemoteRoot("memory", f"source-{next(_number)}", "photos")


def test_entries_come_in_order_and_go_on_behind_any(root: RemoteRoot) -> None:
    for key in ("b/2.jpg", "a-1.jpg", "a/z.jpg", "a.jpg"):
        RemoteObjectStore(root).write(ObjectKey(key), b"photo")
    place = SourcePrefix(root)
    paths = [found.path for found in place.entries()]
    assert paths == [b"a-1.jpg", b"a.jpg", b"a/z.jpg", b"b/2.jpg"]
    assert [[each.path for each in place.entries(path)] for path in paths] == [paths[n + 1 :] for n in range(4)]


def test_a_file_is_read_and_changes_its_version(root: RemoteRoot) -> None:
    store, place = RemoteObjectStore(root), SourcePrefix(root)
    store.write(ObjectKey("a.jpg"), b"photo")
    (found,) = place.entries()
    assert (place.read("a.jpg"), place.read_start("a.jpg", 2), found.size_bytes) == (b"photo", b"ph", 5)
    assert place.version("a.jpg") == found.version
    store.write(ObjectKey("a.jpg"), b"other")
    assert place.version("a.jpg") != found.version


def test_a_file_that_is_gone_is_told(root: RemoteRoot) -> None:
    place = SourcePrefix(root)
    assert place.version("gone") is None
    with pytest.raises(ObjectNotFoundError):
        place.read("gone")


def test_the_mark_of_a_folder_leaves_every_cloud_in_order(cloud: Cloud) -> None:
    root = cloud.new_root()
    for name in ("dir/", "dir!.jpg", "dir-1.jpg", "dir/x.jpg", "dir0.jpg"):
        put_as_it_is(cloud, f"{root.prefix}/{name}", b"" if name.endswith("/") else b"photo")
    place = SourcePrefix(root, cloud.params)
    paths = [found.path for found in place.entries()]
    assert paths == sorted(paths)
    assert [[each.path for each in place.entries(path)] for path in paths] == [paths[n + 1 :] for n in range(5)]


@pytest.mark.parametrize("name", ["back\\slash.jpg", "a%0Ab.jpg", "100%.jpg", "%5C.jpg", "q?x#y.jpg", "ünï 日本.jpg"])
def test_a_name_that_others_gave_is_read_as_it_is_listed(cloud: Cloud, name: str, tmp_path: Path) -> None:
    root = cloud.new_root()
    put_as_it_is(cloud, f"{root.prefix}/{name}", b"photo")
    place = SourcePrefix(root, cloud.params)
    (found,) = place.entries()
    path = os.fsdecode(found.path)
    place.fetch(path, tmp_path / "photo")
    assert (place.read(path), place.read_start(path, 2), (tmp_path / "photo").read_bytes()) == (
        b"photo",
        b"ph",
        b"photo",
    )
    assert place.version(path) == found.version


def test_a_name_that_the_client_cannot_list_is_told(cloud: Cloud) -> None:
    root = cloud.new_root()
    put_as_it_is(cloud, f"{root.prefix}/a//b.jpg", b"photo")
    with pytest.raises(StorageError, match=r"rename or remove that object there .*a//b\.jpg"):
        list(SourcePrefix(root, cloud.params).entries())


def test_a_cloud_that_lists_in_another_order_is_told_before_files_are_left_out() -> None:
    at = datetime(2026, 10, 1, tzinfo=UTC)
    metas = [{"path": path, "size": 5, "last_modified": at, "e_tag": "1"} for path in ("a/1.jpg", "a-1.jpg")]
    with pytest.raises(StorageError, match="mount or copy it"):
        list(entries_of(metas, b"", "az://photos"))


def test_a_container_that_is_not_there_is_told(cloud: Cloud) -> None:
    with pytest.raises(StoreUnavailableError, match="no container 'nowhere'; make it, or name another"):
        list(SourcePrefix(RemoteRoot(cloud.scheme, "nowhere", "x"), cloud.params).entries())


def test_a_file_that_was_emptied_has_no_start(cloud: Cloud) -> None:
    root = cloud.new_root()
    put_as_it_is(cloud, f"{root.prefix}/a.jpg", b"")
    assert SourcePrefix(root, cloud.params).read_start("a.jpg", 10) == b""
