"""A prefix in a cloud as a source."""

import itertools
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import obstore
import pytest

import image_assets
from image_assets.errors import ObjectNotFoundError, StorageError, StoreUnavailableError
from image_assets.ids import ObjectKey
from image_assets.lake.remote.address import RemoteRoot
from image_assets.lake.remote.client import open_client
from image_assets.lake.remote.remote_object_store import RemoteObjectStore
from image_assets.lake.sources.prefix import SourcePrefix, entries_of, with_slashes
from image_assets_tests.servers.clouds import Cloud, put_as_it_is, use

_number = itertools.count()


@pytest.fixture(params=["azurite", "s3_server"])
def cloud(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    cloud: Cloud = request.getfixturevalue(request.param)
    use(cloud, monkeypatch)
    return cloud


def put_many(cloud: Cloud, root: RemoteRoot, names: Sequence[str]) -> None:
    client = open_client(root, cloud.params)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: obstore.put(client, name, b"photo"), names))


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


@pytest.mark.parametrize(
    "name", ["a//b.jpg", "/a.jpg", "a//", "a/../b.jpg", "./a.jpg", "a/.", "a/..", "a\t.jpg", "a\x7f.jpg"]
)
def test_what_has_a_name_that_nothing_reads_is_told_beside_the_others(cloud: Cloud, name: str) -> None:
    root = cloud.new_root()
    for each in ("!.jpg", name, "z.jpg"):
        put_as_it_is(cloud, f"{root.prefix}/{each}", b"photo")
    place = SourcePrefix(root, cloud.params)
    found = list(place.entries())
    assert [(each.path, each.kind) for each in found] == sorted(
        [(b"!.jpg", "file"), (name.encode(), "unreadable"), (b"z.jpg", "file")]
    )
    assert ["copy it under another" in (each.detail or "") for each in found].count(True) == 1
    for number, each in enumerate(found):
        assert list(place.entries(each.path)) == found[number + 1 :]


def test_a_mark_of_a_folder_that_has_content_is_told_however_a_scan_goes_on(cloud: Cloud) -> None:
    root = cloud.new_root()
    for name in ("dir", "dir!.jpg", "dir-1.jpg", "dir/", "dir/x.jpg"):
        put_as_it_is(cloud, f"{root.prefix}/{name}", b"photo")
    place = SourcePrefix(root, cloud.params)
    for after in (b"", b"dir", b"dir!.jpg", b"dir-1.jpg"):
        kinds = {found.path: found.kind for found in place.entries(after)}
        assert (kinds[b"dir/"], kinds[b"dir/x.jpg"]) == ("unreadable", "file")


def test_the_mark_of_the_source_itself_does_not_lie_below_it(cloud: Cloud) -> None:
    for odd in ([], ["x//y.jpg"]):
        root = cloud.new_root()
        for name in ("", "a.jpg", *odd):
            put_as_it_is(cloud, f"{root.prefix}/{name}", b"photo")
        assert [found.path.decode() for found in SourcePrefix(root, cloud.params).entries()] == ["a.jpg", *odd]


def test_no_other_file_is_taken_for_what_a_name_that_nothing_reads_belongs_to(cloud: Cloud) -> None:
    root = cloud.new_root()
    for name in ("a.jpg", "dir"):
        put_as_it_is(cloud, f"{root.prefix}/{name}", b"photo")
    place = SourcePrefix(root, cloud.params)
    assert [place.version(path) for path in ("/a.jpg", "dir/", "", "a/..")] == [None] * 4


WITHOUT = (
    "import sys\n"
    "sys.modules['botocore.exceptions'] = sys.modules['azure.storage.blob'] = None\n"
    "from image_assets.errors import ConfigurationError\n"
    "from image_assets.lake.opening import open_place\n"
    "from image_assets.lake.remote.params import StorageParams\n"
    "place = open_place(sys.argv[1], StorageParams(sys.argv[2]))\n"
    "try: print([found.path for found in place.entries()])\n"
    "except ConfigurationError as error: print(error)"
)


def test_an_extra_is_asked_for_by_a_name_that_needs_it_alone(cloud: Cloud) -> None:
    root = cloud.new_root()
    command = [sys.executable, "-c", WITHOUT, str(root), str(cloud.params.endpoint)]
    code = Path(image_assets.__file__).parents[1]
    told = []
    for name in ("a.jpg", "x//y.jpg"):
        put_as_it_is(cloud, f"{root.prefix}/{name}", b"photo")
        told.append(subprocess.run(command, capture_output=True, text=True, check=True, cwd=code).stdout.strip())
    assert told[0] == "[b'a.jpg']"
    assert re.search(r'x//y\.jpg.* needs: pip install "image-assets\[(azure|cloud)\]"', told[1])


def test_a_public_bucket_is_listed_without_a_key(s3_server: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    root = s3_server.new_root()
    put_as_it_is(s3_server, f"{root.prefix}/a//b.jpg", b"photo")
    use(Cloud("s3", environment={"AWS_SKIP_SIGNATURE": "true", "AWS_REGION": "us-east-1"}), monkeypatch)
    assert [found.path for found in SourcePrefix(root, s3_server.params).entries()] == [b"a//b.jpg"]


def test_a_name_that_nothing_reads_behind_the_first_page_leaves_nothing_out(
    s3_server: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(s3_server, monkeypatch)
    root, names = s3_server.new_root(), [f"{number:04}.jpg" for number in range(1_010)]
    put_many(s3_server, root, names)
    put_as_it_is(s3_server, f"{root.prefix}/1005//x.jpg", b"photo")
    place = SourcePrefix(root, s3_server.params)
    assert [found.path.decode() for found in place.entries()] == sorted([*names, "1005//x.jpg"])


def meta(path: str, size: int = 5) -> dict[str, object]:
    return {"path": path, "size": size, "last_modified": datetime(2026, 10, 1, tzinfo=UTC), "e_tag": '"1"'}


@pytest.mark.parametrize("after", [b"dir", b"dir-1.jpg"])
@pytest.mark.parametrize("size", [0, 5])
def test_a_slash_that_the_client_drops_is_put_back(after: bytes, size: int) -> None:
    listed = with_slashes([meta("dir", size), meta("dir/x.jpg")], after.decode())
    kinds = [(found.path, found.kind) for found in entries_of(listed, after, "gs://photos")]
    assert kinds == [(b"dir/", "unreadable" if size else "file"), (b"dir/x.jpg", "file")]


def test_a_scan_goes_on_behind_a_mark_whose_slash_the_client_drops() -> None:
    listed = with_slashes([meta("dir"), meta("dir/x.jpg")], "dir")
    assert [found.path for found in entries_of(listed, b"dir/", "gs://photos")] == [b"dir/x.jpg"]


def test_a_cloud_that_lists_in_another_order_is_told_before_files_are_left_out() -> None:
    listed = with_slashes([meta("a/1.jpg"), meta("a-1.jpg")], "")
    with pytest.raises(StorageError, match="mount or copy it"):
        list(entries_of(listed, b"", "gs://photos"))


def test_a_container_that_is_not_there_is_told(cloud: Cloud) -> None:
    with pytest.raises(StoreUnavailableError, match="no container 'nowhere'; make it, or name another"):
        list(SourcePrefix(RemoteRoot(cloud.scheme, "nowhere", "x"), cloud.params).entries())


def test_a_file_that_was_emptied_has_no_start(cloud: Cloud) -> None:
    root = cloud.new_root()
    put_as_it_is(cloud, f"{root.prefix}/a.jpg", b"")
    assert SourcePrefix(root, cloud.params).read_start("a.jpg", 10) == b""
