"""The lake remembers where gold was published; whoever erases without being told so names it all the same."""

from datetime import date
from pathlib import Path

import pytest

from image_assets.errors import StorageError
from image_assets.ids import ImageId
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.object_keys import PUBLISHED_TO
from image_assets.opening import published_copies
from image_assets.settings import Settings
from image_assets.steps.publishing.places import delta_place, postgres_place, remember_place, remembered_places


@pytest.fixture
def store(tmp_path: Path) -> LocalObjectStore:
    return LocalObjectStore(tmp_path / "lake")


def test_a_lake_that_was_never_published_remembers_nothing(store: LocalObjectStore) -> None:
    assert remembered_places(store) == ()


def test_a_place_is_remembered_once(store: LocalObjectStore) -> None:
    for place in ("one", "two", "one"):
        remember_place(store, place)
    assert remembered_places(store) == ("one", "two")


def test_a_place_that_this_process_was_not_told_of_is_named_in_the_certificate(
    store: LocalObjectStore, tmp_path: Path
) -> None:
    told = str(tmp_path / "delta")
    for place in (postgres_place("db.example/shop"), delta_place(told)):
        remember_place(store, place)
    copies = published_copies(Settings(_env_file=None, root=store.root, delta=told))
    assert [copy.place for copy in copies] == [delta_place(told), postgres_place("db.example/shop")]
    reached = copies[1].erase(ImageId("an id"), date(2026, 10, 1))
    assert (reached.rows, "IMAGE_ASSETS_POSTGRES" in str(reached.remains)) == (0, True)


def test_what_is_damaged_stops_an_erasure_rather_than_being_forgotten(store: LocalObjectStore) -> None:
    store.write(PUBLISHED_TO, b"no record")
    with pytest.raises(StorageError, match="damaged"):
        published_copies(Settings(_env_file=None, root=store.root))
