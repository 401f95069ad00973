"""A prefix in a cloud as a source."""

import itertools

import pytest

from image_assets.errors import ObjectNotFoundError
from image_assets.ids import ObjectKey
from image_assets.lake.remote.address import RemoteRoot
from image_assets.lake.remote.remote_object_store import RemoteObjectStore
from image_assets.lake.sources.prefix import SourcePrefix

_number = itertools.count()


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
