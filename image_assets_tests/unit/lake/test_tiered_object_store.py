"""Two tiers: an archived original is found like any other; an archive that is away is not taken for an empty one."""

from pathlib import Path

import pytest

from image_assets.errors import ConfigurationError, ObjectNotFoundError, StoreUnavailableError
from image_assets.ids import ObjectKey
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.opening import LakeParams, open_store
from image_assets.lake.tiered_object_store import TieredObjectStore, hot_tier

ORIGINAL = ObjectKey("bronze/2026/10/01/a.jpg")
DERIVED = ObjectKey("silver/2026/10/01/a.jpg")


@pytest.fixture
def store(tmp_path: Path) -> TieredObjectStore:
    made = TieredObjectStore(LocalObjectStore(tmp_path / "lake"), LocalObjectStore(tmp_path / "archive"))
    made.mark_archive()
    return made


def test_an_archived_original_is_found_under_its_key(store: TieredObjectStore) -> None:
    store.archive.write(ORIGINAL, b"old")
    assert store.read(ORIGINAL) == b"old"
    assert store.exists(ORIGINAL)
    assert store.version(ORIGINAL) == store.archive.version(ORIGINAL)
    assert [info.key for info in store.list("bronze/2026/10/01")] == [ORIGINAL]
    assert Path(store.uri(ORIGINAL)).read_bytes() == b"old"
    assert store.sizes([ORIGINAL, DERIVED]) == {ORIGINAL: 3}


def test_an_original_in_both_tiers_is_listed_once_and_read_from_the_lake(store: TieredObjectStore) -> None:
    store.archive.write(ORIGINAL, b"old")
    store.write(ORIGINAL, b"lake")
    assert store.read(ORIGINAL) == b"lake"
    assert [info.size_bytes for info in store.list("bronze")] == [4]
    assert store.sizes([ORIGINAL]) == {ORIGINAL: 4}


def test_deleting_an_original_deletes_both_copies(store: TieredObjectStore) -> None:
    store.archive.write(ORIGINAL, b"old")
    store.write(ORIGINAL, b"lake")
    store.delete(ORIGINAL)
    assert not store.exists(ORIGINAL)
    assert not store.archive.exists(ORIGINAL)


def test_only_originals_are_looked_for_in_the_archive(store: TieredObjectStore) -> None:
    store.archive.write(DERIVED, b"someone else's")
    assert not store.exists(DERIVED)
    assert store.sizes([DERIVED]) == {}
    assert list(store.list("silver")) == []
    with pytest.raises(ObjectNotFoundError):
        store.read(DERIVED)


@pytest.mark.parametrize("mark", [None, b"of another lake"])
def test_an_archive_that_is_away_is_a_broken_world_and_no_missing_image(
    store: TieredObjectStore, tmp_path: Path, mark: bytes | None
) -> None:
    (tmp_path / "archive" / "archive.mark").unlink()
    if mark:
        store.archive.write(ObjectKey("archive.mark"), mark)
    for ask in (store.read, store.exists, store.delete):
        with pytest.raises(StoreUnavailableError, match="mount its archive"):
            ask(ORIGINAL)
    with pytest.raises(StoreUnavailableError, match="mount its archive"):
        list(store.list("bronze"))
    with pytest.raises(StoreUnavailableError, match="mount its archive"):
        store.sizes([ORIGINAL])


def test_a_lake_that_has_an_archive_is_not_opened_without_it(store: TieredObjectStore, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="IMAGE_ASSETS_ARCHIVE_ROOT"):
        open_store(LakeParams(tmp_path / "lake"))
    found = open_store(LakeParams(tmp_path / "lake", tmp_path / "archive"))
    assert isinstance(found, TieredObjectStore)
    assert (hot_tier(found), found.archive) == (store.hot, store.archive)


def test_a_lake_without_a_mark_is_opened_with_or_without_an_archive(tmp_path: Path) -> None:
    assert hot_tier(open_store(LakeParams(tmp_path))) == LocalObjectStore(tmp_path)
    assert isinstance(open_store(LakeParams(tmp_path, tmp_path / "archive")), TieredObjectStore)
