import pickle
from collections.abc import Iterator
from dataclasses import replace

import pytest

from image_assets.errors import ObjectNotFoundError
from image_assets.ids import ObjectKey
from image_assets.lake.remote.address import RemoteRoot
from image_assets.lake.remote.glance import Glance
from image_assets.lake.remote.remote_object_store import RemoteObjectStore

TABLE, OTHER, PHOTO = (ObjectKey(key) for key in ("tables/a/1.parquet", "tables/b/1.parquet", "silver/a.jpg"))


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 10.0

    def __call__(self) -> float:
        self.now += 1e-6
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def others(request: pytest.FixtureRequest) -> Iterator[RemoteObjectStore]:
    """The lake as another process changes it."""
    store = RemoteObjectStore(RemoteRoot("memory", "lake", request.node.name.replace("[", "-").rstrip("]")))
    store.write(TABLE, b"former")
    yield store
    for info in list(store.list("tables")):
        store.delete(info.key)


@pytest.fixture
def store(others: RemoteObjectStore, watch: Watch) -> RemoteObjectStore:
    """The lake as a step sees it, which has just read the table; another has replaced it since."""
    store = replace(others, glance=Glance(watch))
    assert read(store) == b"former"
    others.write(TABLE, b"later")
    return store


def read(store: RemoteObjectStore) -> bytes:
    return store.copies([TABLE])[TABLE].data


def test_what_was_read_a_moment_ago_is_not_asked_for(store: RemoteObjectStore, watch: Watch) -> None:
    assert read(store) == b"former"
    watch.now += 1
    assert read(store) == b"later"


@pytest.mark.parametrize("change", ["write", "writing", "delete", "copy"])
def test_who_changes_anything_sees_what_there_is_after_that(
    store: RemoteObjectStore, others: RemoteObjectStore, change: str
) -> None:
    others.write(PHOTO, b"photo")
    match change:
        case "write":
            store.write(OTHER, b"rows")
        case "writing":
            with store.writing(OTHER) as path:
                path.write_bytes(b"rows")
        case "delete":
            store.delete(OTHER)
        case "copy":
            store.copy(PHOTO, ObjectKey("silver/b.jpg"))
    assert read(store) == b"later"


def test_a_change_that_failed_may_have_been_made(store: RemoteObjectStore) -> None:
    with pytest.raises(ObjectNotFoundError):
        store.copy(PHOTO, OTHER)
    assert read(store) == b"later"


def test_a_listing_that_shows_another_version_is_believed(store: RemoteObjectStore) -> None:
    assert [info.key for info in store.list("tables/a")] == [TABLE]
    assert read(store) == b"later"


def test_the_version_is_asked_for_each_time_and_believed(store: RemoteObjectStore, others: RemoteObjectStore) -> None:
    assert store.version(TABLE) == others.version(TABLE)
    assert read(store) == b"later"


def test_what_is_read_after_the_version_that_a_commit_goes_over_is_no_older(store: RemoteObjectStore) -> None:
    assert store.version(OTHER) is None
    assert read(store) == b"later"


def test_a_table_that_was_found_gone_is_gone(store: RemoteObjectStore, others: RemoteObjectStore) -> None:
    assert store.exists(TABLE)
    others.delete(TABLE)
    assert store.version(TABLE) is None
    assert not store.exists(TABLE)
    with pytest.raises(ObjectNotFoundError):
        read(store)


def test_what_it_wrote_itself_it_has(store: RemoteObjectStore, others: RemoteObjectStore, watch: Watch) -> None:
    with store.writing(TABLE) as path:
        path.write_bytes(b"own")
    others.write(TABLE, b"last")
    assert read(store) == b"own"
    watch.now += 1
    assert read(store) == b"last"


def test_an_answer_to_what_was_asked_before_a_change_does_not_count() -> None:
    glance = Glance(Watch())
    asked_at = glance.now()
    glance.end()
    glance.answered(TABLE, "v1", asked_at)
    assert not glance.is_current(TABLE, "v1")


def test_only_of_tables_is_anything_remembered() -> None:
    glance = Glance(Watch())
    glance.answered(PHOTO, "v1", glance.now())
    assert not glance.is_there(PHOTO)


def test_another_process_has_one_of_its_own(store: RemoteObjectStore) -> None:
    assert read(pickle.loads(pickle.dumps(replace(store, glance=Glance())))) == b"later"


def test_who_has_none_asks_each_time(store: RemoteObjectStore) -> None:
    assert read(replace(store, glance=None)) == b"later"
