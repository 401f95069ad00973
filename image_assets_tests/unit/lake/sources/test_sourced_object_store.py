"""Registered files are read where they are, under keys of the lake, and nothing of them is ever changed."""

import pickle
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from image_assets.errors import ObjectNotFoundError, StorageError, StoreUnavailableError
from image_assets.ids import ObjectKey
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.object_keys import place_of, registered_key
from image_assets.lake.opening import open_place
from image_assets.lake.remote.params import StorageParams
from image_assets.lake.sources.record import ScanTold, Source, keep_source
from image_assets.lake.sources.sourced_object_store import SourcedObjectStore
from image_assets.lake.tiered_object_store import hot_tier

DAY, ROOT = date(2026, 10, 1), "0123456789ab"
KEY = registered_key(DAY, "7", ROOT, "a/b.jpg")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "b.jpg").write_bytes(b"photo")
    return folder


def known(folder: Path, **more: object) -> Source:
    told = ScanTold("mtime", DAY, "ann")
    return Source(ROOT, str(folder), ("has a",), 0, "done", told, **more)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path, source: Path) -> SourcedObjectStore:
    lake = LocalObjectStore(tmp_path / "lake")
    keep_source(lake, known(source))
    return SourcedObjectStore(lake, partial(open_place, storage=StorageParams()))


def test_a_registered_file_is_read_from_its_source(store: SourcedObjectStore, tmp_path: Path) -> None:
    store.fetch(KEY, tmp_path / "copy")
    assert [store.read(KEY), store.read_start(KEY, 2), (tmp_path / "copy").read_bytes()] == [b"photo", b"ph", b"photo"]
    assert store.exists(KEY)


def test_everything_else_is_the_lakes(store: SourcedObjectStore) -> None:
    store.write(ObjectKey("landing/a"), b"1")
    assert store.read(ObjectKey("landing/a")) == b"1"
    assert [info.key for info in store.list("landing")] == ["landing/a"]
    assert list(store.list("registered")) == []


def test_a_worker_can_be_given_the_store(store: SourcedObjectStore) -> None:
    assert pickle.loads(pickle.dumps(store)).read(KEY) == b"photo"


def test_nothing_of_a_source_is_changed(store: SourcedObjectStore, source: Path) -> None:
    for change in (
        lambda: store.write(KEY, b""),
        lambda: store.delete(KEY),
        lambda: store.copy(KEY, ObjectKey("landing/a")),
        lambda: store.writing(KEY),
    ):
        with pytest.raises(StorageError, match="never changed"):
            change()
    assert (source / "a" / "b.jpg").read_bytes() == b"photo"


def test_a_file_that_is_gone_is_gone_while_its_source_is_there(store: SourcedObjectStore, source: Path) -> None:
    (source / "a" / "b.jpg").unlink()
    assert not store.exists(KEY)
    with pytest.raises(ObjectNotFoundError):
        store.read(KEY)


def test_a_source_that_is_away_stops_whoever_asks(store: SourcedObjectStore, source: Path, tmp_path: Path) -> None:
    source.rename(tmp_path / "away")
    for ask in (store.read, store.exists, store.version):
        with pytest.raises(StoreUnavailableError, match="mount it"):
            ask(KEY)
    source.mkdir()
    with pytest.raises(StoreUnavailableError, match="another folder"):
        store.read(KEY)


def test_a_source_whose_files_are_all_in_may_be_away(store: SourcedObjectStore, source: Path, tmp_path: Path) -> None:
    keep_source(store.lake, known(source, is_final=True))
    source.rename(tmp_path / "away")
    assert not store.exists(KEY)
    with pytest.raises(ObjectNotFoundError):
        store.read(KEY)


def test_a_source_that_was_moved_is_told_once(store: SourcedObjectStore, source: Path, tmp_path: Path) -> None:
    keep_source(store.lake, known(source.rename(tmp_path / "elsewhere")))
    assert store.read(KEY) == b"photo"


def test_a_lake_that_lost_its_record_of_sources_says_so(store: SourcedObjectStore) -> None:
    store.delete(ObjectKey("sources.json"))
    with pytest.raises(StoreUnavailableError, match="restore that file"):
        store.read(KEY)


def test_what_the_lake_keeps_by_itself_is_found_through_it(store: SourcedObjectStore) -> None:
    assert hot_tier(store) == store.lake


def test_a_key_tells_its_place() -> None:
    assert place_of(KEY) == (ROOT, "a/b.jpg")
    assert [place_of(ObjectKey(key)) for key in ("landing/2026-10-01/7/x", "registered/2026-10-01/7/x", "a")] == [
        None
    ] * 3
